"""All files that are made of one picture in one language, from one erasing and one fitting of its texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.core.formats import Format
from shared.imaging.files.decode import decode
from shared.imaging.formats.page import FinishedPage, data_uri
from shared.imaging.pages import of_page
from shared.imaging.render import Painted, Rendered, compose, finish, paint_on
from shared.imaging.typesetting.fonts import FontLibrary
from shared.scenes.schemas import Scene


@dataclass(frozen=True)
class File:
    """One finished file."""

    format: Format
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
        from shared.imaging.formats.svg import svg

        return File(format, svg(pages, target))
    if format is Format.PDF:
        from shared.imaging.formats.pdf import pdf

        return File(format, pdf(pages, target))
    if format is Format.HOCR:
        from shared.imaging.formats.hocr import hocr

        return File(format, hocr(pages, target))
    from shared.imaging.formats.side_by_side import side_by_side

    return File(format, side_by_side(pages, scene, target))
