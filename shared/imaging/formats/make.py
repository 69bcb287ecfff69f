"""All files that are made of one picture in one language, from one erasing and one fitting of its texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from shared.imaging.decode import decode
from shared.imaging.fonts import FontLibrary
from shared.imaging.formats.page import FinishedPage, data_uri
from shared.imaging.pages import of_page
from shared.imaging.render import Painted, Rendered, compose, finish, paint_on
from shared.scenes.schemas import Scene


class Format(StrEnum):
    """What a picture's job can make beside the picture in its own format."""

    SVG = "svg"
    PDF = "pdf"
    HOCR = "hocr"
    HTML = "html"


@dataclass(frozen=True)
class File:
    """One finished file; `suffix` is what its name ends with, after the language."""

    format: Format
    suffix: str
    media_type: str
    data: bytes


def make(
    source: bytes, scene: Scene, target: str, fonts: FontLibrary, wanted: Collection[Format] = ()
) -> tuple[Rendered, list[File]]:
    """The picture with the `target` translations of `scene`, and the `wanted` files beside it.

    Raises what `shared.imaging.render.render` raises.
    """
    pages: list[FinishedPage] = []
    painted: list[Painted] = []
    for number in range(max(1, len(scene.source.pages))):
        own = of_page(scene, number)
        composed = compose(decode(source, number), own, target, fonts)
        erased = ""
        if Format.SVG in wanted:
            erased = data_uri(composed.picture, composed.rgb, composed.alpha)
        done = paint_on(composed, own)
        painted.append(done)
        pages.append(FinishedPage(done.picture, composed.texts, done.rgb, done.alpha, erased))
    files = [_made(format, pages, scene, target) for format in Format if format in wanted]
    return finish(painted), files


def _made(format: Format, pages: list[FinishedPage], scene: Scene, target: str) -> File:
    if format is Format.SVG:
        from shared.imaging.formats import svg

        return File(format, "svg", svg.MEDIA_TYPE, svg.svg(pages, target))
    if format is Format.PDF:
        from shared.imaging.formats import pdf

        return File(format, "pdf", pdf.MEDIA_TYPE, pdf.pdf(pages, target))
    if format is Format.HOCR:
        from shared.imaging.formats import hocr

        return File(format, "hocr.html", hocr.MEDIA_TYPE, hocr.hocr(pages, target))
    from shared.imaging.formats import side_by_side

    return File(format, "html", side_by_side.MEDIA_TYPE, side_by_side.side_by_side(pages, scene, target))
