"""What a picture's job can make beside the picture in its own format."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """A kind of file, as callers name it."""

    SVG = "svg"
    PDF = "pdf"
    HOCR = "hocr"
    HTML = "html"


SUFFIXES: Final = {Format.SVG: "svg", Format.PDF: "pdf", Format.HOCR: "hocr.html", Format.HTML: "html"}
"""What the file's name ends with, after the language."""

MEDIA_TYPES: Final = {
    Format.SVG: "image/svg+xml",
    Format.PDF: "application/pdf",
    Format.HOCR: "text/html; charset=utf-8",
    Format.HTML: "text/html; charset=utf-8",
}
