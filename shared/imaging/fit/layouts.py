"""The new texts of a scene, each with its lines, glyphs, size and place: what every renderer draws."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from statistics import median

import numpy as np

from shared.imaging.areas import outline_of
from shared.imaging.fit.placing import Room, alignment_of
from shared.imaging.fit.solver import Layout, Ways, fit_in, fit_plainly, is_running, least_size
from shared.imaging.fit.space import larger_boxes, unshared
from shared.imaging.frame import Frame, Points, sides_of
from shared.imaging.geometry import Box
from shared.imaging.pixels import Pixels
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Shaper
from shared.scenes.schemas import Block, Flag, Scene, Style

_EVEN = 0.8
"""A block of a group that cannot be drawn at this share of the group's usual size does not hold it back."""
_NOTICED = 0.97
_TURNED_GAIN = 1.35  # how much larger text must become to be worth lying on its side
_PARALLEL, _ON_EDGE = 0.04, 0.4  # rise of texts that run the same way, and line heights between their edges
_WIDER = 1.6  # times the usual width: what is wider is no entry of the column
_BREAKING_SPACE = re.compile(r"[^\S\u00a0\u202f\u2007]+")


@dataclass(frozen=True)
class SetText:
    """A block's new text ready to be drawn: `layout` in the coordinates of `frame`, inside `allowed`.

    `frame.matrix` takes a layout's point into the picture; a line's glyph stands at
    (line.x + glyph.x * layout.size, line.y + glyph.y * layout.size). `text` is the wording that was taken.
    """

    block: Block
    text: str
    layout: Layout
    frame: Frame
    allowed: Box


@dataclass(frozen=True)
class _Place:
    """Where a block's text may go, and with which letters. `alone` is its room without the space around it,
    which `around` looks for: most texts do without."""

    frame: Frame
    alone: Room
    around: Callable[[], tuple[Box, ...]]
    shaper: Shaper
    style: Style

    def fitted(self, text: str) -> Layout:
        """The text as large as fits."""
        ways = self.ways(text)
        return fit_plainly(ways, self.alone) or fit_in(ways, self.room)

    def ways(self, text: str) -> Ways:
        """The ways of setting a text here, which are kept for when it is set again."""
        if text not in self._ways:
            self._ways[text] = Ways(text, self.shaper, self.style, is_running(self.alone, self.style))
        return self._ways[text]

    @cached_property
    def _ways(self) -> dict[str, Ways]:
        return {}

    @cached_property
    def room(self) -> Room:
        """The place with the space around it."""
        return replace(self.alone, larger=self.around())


def wordings(block: Block, target: str) -> list[str]:
    """The texts a block may be given, the preferred one first; none when it stays as it is."""
    translation = block.translations.get(target)
    if translation is None:
        return []
    texts = [
        _BREAKING_SPACE.sub(" ", text).strip(" ") for text in (translation.text, *translation.alternatives)
    ]
    if not texts[0] or " ".join(texts[0].split()) == " ".join(block.text.split()):
        return []
    return list(dict.fromkeys(text for text in texts if text))


def lay_out(ground: Pixels, scene: Scene, target: str, fonts: FontLibrary) -> list[SetText]:
    """Set the `target` texts of a page's blocks, in reading order.

    `ground` is the picture with the old texts erased. Each text is placed before the next looks for room, so
    that no two meet; then blocks that looked alike are set in one size again.
    """
    taken: dict[str, list[Points]] = {block.id: [np.array(block.polygon)] for block in scene.blocks}
    taken |= {f"area {i}": [outline_of(area)] for i, area in enumerate(scene.leave_alone.exclude)}
    found: list[SetText] = []
    places: list[_Place] = []
    for block in scene.blocks:
        texts = wordings(block, target)
        if not texts:
            continue
        others = {other: polygons for other, polygons in taken.items() if other != block.id}
        options = _places(ground, block, others, target, fonts)
        place, text, layout = _best(options, texts)
        allowed = _allowed(place, layout)
        taken[block.id].append(place.frame.corners(allowed))
        found.append(SetText(block, text, layout, place.frame, allowed))
        places.append(place)
    return _evened(found, places, target)


def _best(options: list[_Place], texts: list[str]) -> tuple[_Place, str, Layout]:
    """The first legible wording, else the one drawn largest; each in the first place that does well."""
    largest: tuple[_Place, str, Layout] | None = None
    for text in texts:
        place, layout = options[0], options[0].fitted(text)
        for other in options[1:]:
            turned = other.fitted(text)
            if turned.size > _TURNED_GAIN * layout.size:
                place, layout = other, turned
        if largest is None or layout.size > largest[2].size * (1 + 1e-9):
            largest = place, text, layout
        if layout.size >= least_size(place.style) * (1 - 1e-9):
            return place, text, layout
    if largest is None:
        raise ValueError("There is no wording to choose from.")
    return largest


def _places(
    ground: Pixels, block: Block, others: dict[str, list[Points]], target: str, fonts: FontLibrary
) -> list[_Place]:
    """Where the text may stand: as the source does, or for columns in a script without them, lying too."""
    style = block.style
    shaper = Shaper.of(fonts, target, style.family, style.weight, style.italic)
    frame = Frame.of(block.polygon)
    if style.direction != "ttb":
        shaper = shaper.condensed(_source_width(block, shaper))
        return [_place(ground, frame, shaper, style, others, max(1, len(block.lines)))]
    columns = max(1, len(block.lines))
    upright = _place(ground, frame, shaper.upright(True), style, others, columns)
    if shaper.writes_columns:
        return [upright]
    # In a column's box words go below each other; one long column is a sign, whose text stands centred.
    level = style.model_copy(
        update={"direction": "ltr", "alignment": "center" if columns == 1 else style.alignment}
    )
    lines = max(1, int(frame.height / (level.line_height * level.size)))
    across = _place(ground, frame, shaper, level, others, lines)
    if shaper.may_write_columns:
        return [across, upright]
    a, b, c, d = block.polygon
    return [across, _place(ground, Frame.of([b, c, d, a]), shaper, level, others, columns)]


def _place(
    ground: Pixels, frame: Frame, shaper: Shaper, style: Style, others: dict[str, list[Points]], lines: int
) -> _Place:
    alignment = alignment_of(style, shaper.rtl)
    mirrored = alignment != style.alignment
    occupied = [polygon for polygons in others.values() for polygon in polygons]
    first = [polygons[0] for polygons in others.values()]
    own = Box(0, 0, frame.width, frame.height)
    kept = unshared(frame, first)
    in_column = mirrored or (lines > 1 and alignment != "center" and not shaper.vertical)

    @cache
    def larger() -> tuple[Box, ...]:
        fixed = "" if mirrored or shaper.vertical else alignment
        boxes = larger_boxes(ground, frame, style.size, occupied, fixed, kept)
        if lines == 1 and fixed in ("left", "right") and not _is_anchored(frame, fixed, first):
            boxes += larger_boxes(ground, frame, style.size, occupied, "", kept)
        return _in_column(boxes, frame, first) if in_column else boxes

    def around() -> tuple[Box, ...]:
        return larger() if kept is None else tuple(_between(box, kept, frame) for box in larger())

    box = _column(frame, style.size, larger, first) if mirrored else own
    alone = Room(box, (), lines, None if kept is None else _between(box, kept, frame))
    return _Place(frame, alone, around, shaper, style)


def _is_anchored(frame: Frame, edge: str, others: list[Points]) -> bool:
    """Whether another text that runs the same way has the same edge: a line that left it would stand out."""
    own, pick = (0.0, np.min) if edge == "left" else (frame.width, np.max)
    for polygon in others:
        local = frame.to_local(polygon)
        x, y = np.abs(local[1] - local[0])
        if y < _PARALLEL * x and abs(float(pick(local[:, 0])) - own) < _ON_EDGE * frame.height:
            return True
    return False


def _between(box: Box, kept: Box, frame: Frame) -> Box:
    """The box without what the frame's own box has given away, and nothing beyond that."""
    return Box(
        max(box.left, kept.left) if kept.left > 0 else box.left,
        max(box.top, kept.top) if kept.top > 0 else box.top,
        min(box.right, kept.right) if kept.right < frame.width else box.right,
        min(box.bottom, kept.bottom) if kept.bottom < frame.height else box.bottom,
    )


def _in_column(boxes: Sequence[Box], frame: Frame, others: list[Points]) -> tuple[Box, ...]:
    """The boxes no wider than the texts of the page reach: what bounds a column is often not drawn.

    A paragraph would leave its column there, and a text that changes its direction the edge it began at.
    """
    reach = [frame.around(polygon) for polygon in others]
    left = min([0.0, *(box.left for box in reach)])
    right = max([frame.width, *(box.right for box in reach)])
    return tuple(Box(max(box.left, left), box.top, min(box.right, right), box.bottom) for box in boxes)


def _evened(found: list[SetText], places: list[_Place], target: str) -> list[SetText]:
    """One size for each group of blocks that looked alike: the largest at which all of it fits.

    A block that would hold the others back keeps its own size, and is flagged uneven_size.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, item in enumerate(found):
        style = item.block.style
        groups[style.size, style.weight, style.ink, style.italic, style.family, style.direction].append(i)
    result = [_with_shortened(item, target) for item in found]
    for members in groups.values():
        sizes = [found[i].layout.size for i in members]
        usual = median(sizes)
        common = min(size for size in sizes if size >= _EVEN * usual)
        for i in members:
            if found[i].layout.size > common * (1 + 1e-6):
                result[i] = _resized(result[i], places[i], common)
            elif found[i].layout.size < _NOTICED * common:
                result[i] = _flagged(result[i], Flag.UNEVEN_SIZE)
    return result


def _resized(item: SetText, place: _Place, size: float) -> SetText:
    """The text at a smaller size inside what it was allowed, which its neighbours have kept clear of."""
    room = replace(place.alone, larger=(item.allowed,))
    layout = fit_in(place.ways(item.text), room, most=size)
    kept = [flag for flag in item.layout.flags if flag not in layout.flags]
    layout = replace(layout, flags=(*layout.flags, *kept))
    return replace(item, layout=layout, allowed=_allowed(place, layout))


def _allowed(place: _Place, layout: Layout) -> Box:
    kept = place.alone.kept
    return kept if layout.ink is None else kept.union(layout.ink)


def _with_shortened(item: SetText, target: str) -> SetText:
    preferred = wordings(item.block, target)[0]
    return item if item.text == preferred else _flagged(item, Flag.SHORTENED)


def _flagged(item: SetText, flag: Flag) -> SetText:
    return replace(item, layout=replace(item.layout, flags=(*item.layout.flags, flag)))


def _column(frame: Frame, em: float, larger: Callable[[], Sequence[Box]], others: list[Points]) -> Box:
    """The block's own box, as wide as the column of blocks it shares an edge with, where that is free.

    Text that changes its direction stands at the column's other edge, which one block alone does not show. A
    heading over the column, much wider than what stands in it, does not count. `larger` looks for free boxes.
    """
    rights, lefts = [frame.width], [0.0]
    for polygon in others:
        low, _, high, _ = frame.around(polygon)
        if abs(low) < 0.8 * em:
            rights.append(high)
        elif abs(high - frame.width) < 0.8 * em:
            lefts.append(low)
    right = max(frame.width, _usual(rights))
    left = min(0.0, frame.width - _usual([frame.width - low for low in lefts]))
    if left == 0 and right == frame.width:
        return Box(0, 0, frame.width, frame.height)
    free = [box for box in larger() if box.left <= 0 and box.right >= frame.width]
    least, most = min((b.left for b in free), default=0.0), max((b.right for b in free), default=right)
    return Box(max(left, least), 0, min(right, most), frame.height)


def _usual(widths: list[float]) -> float:
    """The largest of the widths that is not out of the ordinary."""
    limit = _WIDER * median(widths)
    return max(width for width in widths if width <= limit)


def _source_width(block: Block, shaper: Shaper) -> int:
    """The percentage of the width axis that makes the source text as narrow as it is in the picture."""
    ratios = []
    spaced = shaper.spaced(block.style.letter_spacing)
    for line in block.lines:
        ink = spaced.shape(line.text).ink if len(line.text) > 3 else None
        if ink is not None:
            ratios.append(sides_of(line.polygon)[0] / (ink.width * block.style.size))
    ratio = median(ratios) if ratios else 1.0
    return min(100, max(70, 5 * round(20 * ratio)))
