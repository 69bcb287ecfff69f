"""A translated picture: the source with the text of some blocks replaced, everything else as it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.core.errors import Conflict
from shared.imaging.decode import Picture, Pixels, decode
from shared.imaging.draw import draw
from shared.imaging.encode import encode, encode_pages
from shared.imaging.erase import erase
from shared.imaging.fit import Layout, Room, alignment_of, fit
from shared.imaging.fonts import FontLibrary
from shared.imaging.frame import Frame, Points
from shared.imaging.ink import from_hex
from shared.imaging.pages import of_page
from shared.imaging.shape import Box, Shaper
from shared.imaging.space import larger_boxes
from shared.scenes.schemas import Block, Flag, Scene

_SHARP = 0.5  # softness of text that was drawn with anti-aliasing and not blurred


@dataclass(frozen=True)
class Drawn:
    """What became of a block: the em height of its new text in pixels, and the characters no font has.

    `allowed` and `ink` are polygons in the picture: what the text was kept in, and what it fills.
    """

    size: float
    missing: frozenset[str]
    allowed: Points
    ink: Points | None


@dataclass(frozen=True)
class Rendered:
    """An encoded picture, and for each drawn block what a reader of it should know."""

    data: bytes
    media_type: str
    flags: dict[str, list[Flag]] = field(default_factory=dict)
    drawn: dict[str, Drawn] = field(default_factory=dict)


@dataclass(frozen=True)
class Painted:
    """One page: the picture it was, and the pixels it became."""

    picture: Picture
    rgb: Pixels
    alpha: Pixels | None
    flags: dict[str, list[Flag]]
    drawn: dict[str, Drawn]


def render(source: bytes | Picture, scene: Scene, target: str, fonts: FontLibrary) -> Rendered:
    """Draw the `target` translations of `scene` into its picture, in the picture's own format.

    A block whose translation is missing, empty or equal to the source text is not touched. The result
    carries no EXIF; profile and alpha are the source's. All pages of a source with several are drawn; such a
    source is given as bytes. Raises what `decode` raises, and Conflict when the scene was made from a picture
    of another size.
    """
    if isinstance(source, Picture):
        pages = [paint(source, scene, target, fonts)]
    else:
        count = max(1, len(scene.source.pages))
        pages = [paint(decode(source, n), of_page(scene, n), target, fonts) for n in range(count)]
    first = pages[0]
    if len(pages) == 1:
        data = encode(first.picture, first.rgb, first.alpha)
    else:
        data = encode_pages([(page.picture, page.rgb, page.alpha) for page in pages])
    flags = {block: flags for page in pages for block, flags in page.flags.items()}
    drawn = {block: drawn for page in pages for block, drawn in page.drawn.items()}
    return Rendered(data, first.picture.media_type, flags, drawn)


def paint(picture: Picture, scene: Scene, target: str, fonts: FontLibrary) -> Painted:
    """The pixels of one page with the scene's text erased and its translations drawn."""
    if (scene.source.width, scene.source.height) != picture.size:
        raise Conflict("The scene belongs to another picture: its size differs.")
    texts = {block.id: text for block in scene.blocks if (text := _new_text(block, target))}
    changed = [block for block in scene.blocks if block.id in texts]
    kept = [block for block in scene.blocks if block.id not in texts]
    rgb = picture.rgb.copy()
    alpha = None if picture.alpha is None else picture.alpha.copy()
    soft = erase(rgb, alpha, changed, kept, picture.sha256)
    layouts = _layouts(rgb, changed, kept, texts, target, fonts)
    for block, (layout, frame, allowed) in zip(changed, layouts, strict=True):
        blur = _blur(soft.get(block.id, _SHARP))
        draw(rgb, alpha, layout, frame, allowed, from_hex(block.style.ink), blur)
    flags = {block.id: list(layout.flags) for block, (layout, _, _) in zip(changed, layouts, strict=True)}
    drawn = {block.id: _drawn(*placed) for block, placed in zip(changed, layouts, strict=True)}
    return Painted(picture, rgb, alpha, flags, drawn)


def _drawn(layout: Layout, frame: Frame, allowed: Box) -> Drawn:
    missing = frozenset[str]().union(*(line.shaped.missing for line in layout.lines))
    ink = None if layout.ink is None else frame.corners(layout.ink)
    return Drawn(layout.size, missing, frame.corners(allowed), ink)


def _blur(softness: float) -> float:
    """What to add to the drawn text's own anti-aliasing so that it is no sharper than the source's."""
    extra = math.sqrt(max(0.0, softness**2 - _SHARP**2))
    return min(extra, 3.0) if extra > 0.35 else 0.0


def _new_text(block: Block, target: str) -> str:
    translation = block.translations.get(target)
    text = " ".join(translation.text.split()) if translation else ""
    return "" if text == " ".join(block.text.split()) else text


def _layouts(
    rgb: Pixels,
    changed: list[Block],
    kept: list[Block],
    texts: dict[str, str],
    target: str,
    fonts: FontLibrary,
) -> list[tuple[Layout, Frame, Box]]:
    """Layout, frame and allowed box of each changed block, each placed before the next looks for room."""
    taken: dict[str, list[Points]] = {b.id: [np.array(b.polygon)] for b in [*changed, *kept]}
    placed: list[tuple[Layout, Frame, Box]] = []
    for block in changed:
        frame = Frame.of(block.polygon)
        style = block.style
        others = {other: polygons for other, polygons in taken.items() if other != block.id}
        shaper = Shaper.of(fonts, target, style.family, style.weight, style.italic)
        shaper = shaper.condensed(_source_width(block, shaper))
        alignment = alignment_of(style, shaper.rtl)
        occupied = [polygon for polygons in others.values() for polygon in polygons]
        mirrored = alignment != style.alignment
        larger = larger_boxes(rgb, frame, style.size, occupied, "" if mirrored else alignment)
        own = Box(0, 0, frame.width, frame.height)
        if mirrored:
            own = _column(frame, style.size, larger, [polygons[0] for polygons in others.values()])
        layout = fit(texts[block.id], shaper, Room(own, larger, max(1, len(block.lines))), style)
        allowed = own if layout.ink is None else own.union(layout.ink)
        taken[block.id].append(frame.corners(allowed))
        placed.append((layout, frame, allowed))
    return placed


def _column(frame: Frame, em: float, larger: Sequence[Box], others: list[Points]) -> Box:
    """The block's own box, as wide as the column of blocks it shares an edge with, where that is free.

    Text that changes its direction stands at the column's other edge, which one block alone does not show.
    """
    left, right = 0.0, frame.width
    for polygon in others:
        local = frame.to_local(polygon)
        low, high = float(local[:, 0].min()), float(local[:, 0].max())
        if abs(low) < 0.8 * em:
            right = max(right, high)
        elif abs(high - frame.width) < 0.8 * em:
            left = min(left, low)
    free = [box for box in larger if box.left <= 0 and box.right >= frame.width]
    least, most = min((b.left for b in free), default=0.0), max((b.right for b in free), default=right)
    return Box(max(left, least), 0, min(right, most), frame.height)


def _source_width(block: Block, shaper: Shaper) -> int:
    """The percentage of the width axis that makes the source text as narrow as it is in the picture."""
    ratios = []
    for line in block.lines:
        ink = shaper.shape(line.text).ink
        if ink is not None and len(line.text) > 3:
            ratios.append(Frame.of(line.polygon).width / ((ink.right - ink.left) * block.style.size))
    ratio = float(np.median(ratios)) if ratios else 1.0
    return min(100, max(70, 5 * round(20 * ratio)))
