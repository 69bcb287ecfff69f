"""A finished page, with what renderers beyond the picture's own format need of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

from shared.imaging.files.decode import Picture
from shared.imaging.files.encode import encode
from shared.imaging.fit.layouts import SetText
from shared.imaging.pixels import Pixels

_SHOWN = {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"}
"""Formats that every browser shows."""


@dataclass(frozen=True)
class FinishedPage:
    """A page: the `picture` it was, its texts as they were set, and its pixels with them.

    `erased` is the picture without its old texts, encoded for browsers; empty where nobody asked for it.
    """

    picture: Picture
    texts: list[SetText]
    rgb: Pixels
    alpha: Pixels | None
    erased: str = ""


def data_uri(picture: Picture, rgb: Pixels, alpha: Pixels | None) -> str:
    """The pixels as a URI that a browser can show: in the picture's own format, else as PNG."""
    shown = picture
    if picture.media_type not in _SHOWN:
        shown = replace(picture, media_type="image/png", deep=None)
    data = base64.b64encode(encode(shown, rgb, alpha)).decode()
    return f"data:{shown.media_type};base64,{data}"
