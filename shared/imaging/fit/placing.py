"""Where lines stand in the box that was chosen for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.imaging.fit.setting import Broken
from shared.imaging.frame import ASCENT, DESCENT
from shared.imaging.geometry import Box
from shared.imaging.typesetting.shape import Shaped
from shared.scenes.schemas import Style

_MIDDLE = 0.36  # half the height of capitals, in ems above the baseline


@dataclass(frozen=True)
class PlacedLine:
    """A shaped line whose baseline starts at `x`, `y` of the block's frame; of a column, its middle."""

    shaped: Shaped
    x: float
    y: float


@dataclass(frozen=True)
class Room:
    """Where a block may be drawn, in its frame: its `own` box, and larger boxes of free space around it.

    `lines` is the number of lines that the source text has in the own box. `unshared` is what is left of the
    own box when a neighbour's overlaps it: the text is placed by the one and kept in the other.
    """

    own: Box
    larger: tuple[Box, ...] = ()
    lines: int = 1
    unshared: Box | None = None

    @property
    def kept(self) -> Box:
        """The part of the own box that may be drawn on."""
        return self.unshared or self.own

    def turned(self) -> Room:
        """The same for columns."""
        unshared = self.unshared and self.unshared.turned()
        return Room(self.own.turned(), tuple(box.turned() for box in self.larger), self.lines, unshared)


def alignment_of(style: Style, rtl: bool) -> str:
    """How a translation is aligned: as the source, mirrored when only one of the two runs right to left."""
    if rtl != (style.direction == "rtl"):
        return {"left": "right", "right": "left"}.get(style.alignment, "center")
    return style.alignment


def placed(broken: Broken, size: float, box: Box, room: Room, style: Style, rtl: bool) -> list[PlacedLine]:
    """The lines in `box`, near the place of the source's. Boxes and places are turned for columns."""
    if not broken.lines:
        return []
    alignment = alignment_of(style, rtl)
    pitch = _pitch(broken, size, box, style)
    first = _first_baseline(len(broken.lines), size, pitch, room, style, broken.lines[0].vertical)
    lines = [
        PlacedLine(line, _start(line.width * size, room.own, alignment), first + i * pitch)
        for i, line in enumerate(broken.lines)
    ]
    return _inside(lines, broken, size, box)


def ink_of(lines: Sequence[PlacedLine], broken: Broken, size: float) -> Box | None:
    """The box of all that is drawn."""
    found: Box | None = None
    for line, ink in zip(lines, broken.inks, strict=True):
        if ink is not None:
            box = ink.scaled(size).moved(line.x, line.y)
            found = box if found is None else found.union(box)
    return found


def _pitch(broken: Broken, size: float, box: Box, style: Style) -> float:
    """The source's line pitch where there is room for it, else as much as there is."""
    least = broken.pitch * size
    if len(broken.lines) < 2:
        return least
    room = (box.height - (broken.rise + broken.fall) * size) / (len(broken.lines) - 1)
    return max(least, min(style.line_height * size, room))


def _first_baseline(count: int, size: float, pitch: float, room: Room, style: Style, vertical: bool) -> float:
    """Same place as the source's, or around the same middle where the number of lines has changed."""
    ascent, descent, half = (0.5, 0.5, 0.0) if vertical else (ASCENT, DESCENT, _MIDDLE)
    first = room.own.top + ascent * style.size
    last = max(first, room.own.bottom - descent * style.size)
    if count != room.lines and (room.lines < 3 or style.alignment == "center"):
        middle = (first + last) / 2 - half * style.size
        return middle + half * size - (count - 1) * pitch / 2
    return first - half * (style.size - size)


def _start(width: float, own: Box, alignment: str) -> float:
    if alignment == "center":
        return (own.left + own.right - width) / 2
    return own.right - width if alignment == "right" else own.left


def _inside(lines: list[PlacedLine], broken: Broken, size: float, box: Box) -> list[PlacedLine]:
    """The lines moved so that all ink is in `box`: each sideways, all of them together up or down."""
    found = []
    for line, ink in zip(lines, broken.inks, strict=True):
        x = line.x
        if ink is not None:
            x -= max(0.0, x + ink.right * size - box.right)
            x += max(0.0, box.left - (x + ink.left * size))
        found.append(PlacedLine(line.shaped, x, line.y))
    ink = ink_of(found, broken, size)
    if ink is None:
        return found
    down = max(0.0, box.top - ink.top) or -max(0.0, ink.bottom - box.bottom)
    return [PlacedLine(line.shaped, line.x, line.y + down) for line in found]
