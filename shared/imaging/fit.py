"""Find the size and the line breaks with which a text fits the room it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.imaging.linebreak import balanced, segments, wrapped
from shared.imaging.scripts import is_unspaced
from shared.imaging.shape import Box, Shaped, Shaper
from shared.scenes.schemas import Flag, Style

ASCENT = 0.77
"""Share of the em above the baseline that a block's polygon covers at its first line."""
DESCENT = 0.23
"""Share of the em below the baseline that a block's polygon covers at its last line."""

LEGIBLE = 8.0
_LEAST_SHARE = 0.6
_WIDTHS = ((1.0, 0.0), (0.9, 0.06))
"""Shares of the face's width, and the loss of size that is preferred to each."""
_LINE_COST = 0.1
_GROWTH_COST = 0.01
_WORD_COST = 0.08  # of breaking a word of Chinese or Japanese
_TIGHTEST = 1.12
_MIDDLE = 0.36  # half the height of capitals, in ems above the baseline


@dataclass(frozen=True)
class PlacedLine:
    """A shaped line whose baseline starts at `x`, `y` of the block's frame."""

    shaped: Shaped
    x: float
    y: float


@dataclass(frozen=True)
class Layout:
    """Lines at `size` pixels an em. `ink` is the box of all that is drawn, in the block's frame, or None."""

    lines: tuple[PlacedLine, ...]
    size: float
    ink: Box | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Room:
    """Where a block may be drawn, in its frame: its `own` box, and larger boxes of free space around it.

    `lines` is the number of lines that the source text has in the own box.
    """

    own: Box
    larger: tuple[Box, ...] = ()
    lines: int = 1


@dataclass(frozen=True)
class _Measured:
    """A text cut where lines may end, with the widths of the pieces and the height of its ink, in ems."""

    pieces: tuple[str, ...]
    widths: tuple[float, ...]
    trailing: tuple[float, ...]
    rise: float
    fall: float


@dataclass(frozen=True)
class _Choice:
    score: float
    size: float
    box: Box
    shaper: Shaper
    measured: _Measured


def fit(text: str, shaper: Shaper, room: Room, style: Style) -> Layout:
    """Lay `text` out in `room`, never larger than `style.size`, as large as fits.

    The own box is kept when the text fits there at nearly the source's size and number of lines; else a
    larger box is used, and a slightly condensed face where that helps. All ink lies inside the box that was
    used. A size below max(8 px, 0.6 x source) is flagged too_small, and far below it overflow_risk.
    """
    best = max(_choices(text, shaper, room, style), key=lambda choice: choice.score)
    size, box, chosen, measured = best.size, best.box, best.shaper, best.measured
    lines = _broken(measured, (box.right - box.left) / size, style, room.lines)
    shaped = [chosen.shape("".join(measured.pieces[a:b]).strip()) for a, b in lines]
    return _placed(shaped, size, box, room, style, chosen.rtl, measured)


def _choices(text: str, shaper: Shaper, room: Room, style: Style) -> Iterator[_Choice]:
    """Every face, cutting and box, each with the size it allows; the first of equals is preferred."""
    cuttings = [(True, 0.0), (False, _WORD_COST)] if is_unspaced(text) else [(False, 0.0)]
    for share, face_cost in _WIDTHS:
        chosen = shaper.condensed(round(shaper.width * share))
        for whole, word_cost in cuttings:
            measured = _measured(text, chosen, whole)
            for i, box in enumerate((room.own, *room.larger)):
                size = _largest(measured, box, style)
                more = _LINE_COST * max(0, _count(measured, box, size) - room.lines)
                score = size / style.size - face_cost - word_cost - more - _GROWTH_COST * i
                yield _Choice(score, size, box, chosen, measured)


def _measured(text: str, shaper: Shaper, whole_words: bool) -> _Measured:
    pieces = tuple(segments(" ".join(text.split()), whole_words))
    shaped = [shaper.shape(piece) for piece in pieces]
    bare = [shaper.shape(piece.rstrip()).width if piece != piece.rstrip() else None for piece in pieces]
    inks = [line.ink for line in shaped if line.ink]
    return _Measured(
        pieces,
        tuple(line.width for line in shaped),
        tuple(0.0 if b is None else line.width - b for line, b in zip(shaped, bare, strict=True)),
        max((-ink.top for ink in inks), default=0.0),
        max((ink.bottom for ink in inks), default=0.0),
    )


def _largest(measured: _Measured, box: Box, style: Style) -> float:
    """The largest size up to the source's at which the text fits `box`, by bisection."""
    low, high = 0.0, style.size
    if _fits(measured, box, high):
        return high
    for _ in range(24):
        middle = (low + high) / 2
        if _fits(measured, box, middle):
            low = middle
        else:
            high = middle
    return max(low, 1e-3)


def _count(measured: _Measured, box: Box, size: float) -> int:
    return len(wrapped(list(measured.widths), list(measured.trailing), (box.right - box.left) / size + 1e-6))


def _fits(measured: _Measured, box: Box, size: float) -> bool:
    limit = (box.right - box.left) / size
    lines = wrapped(list(measured.widths), list(measured.trailing), limit)
    if any(_line_width(measured, a, b) > limit for a, b in lines):
        return False
    needed = measured.rise + measured.fall + (len(lines) - 1) * _pitch_least(measured)
    return needed * size <= box.bottom - box.top


def _line_width(measured: _Measured, start: int, end: int) -> float:
    return sum(measured.widths[start:end]) - measured.trailing[end - 1]


def _pitch_least(measured: _Measured) -> float:
    return max(_TIGHTEST, measured.rise + measured.fall)


def _broken(measured: _Measured, limit: float, style: Style, source_lines: int) -> list[tuple[int, int]]:
    """Balanced lines for headings and signs, full ones for running text."""
    running = style.alignment != "center" and source_lines > 3
    return (wrapped if running else balanced)(list(measured.widths), list(measured.trailing), limit + 1e-6)


def _placed(
    shaped: Sequence[Shaped],
    size: float,
    box: Box,
    room: Room,
    style: Style,
    rtl: bool,
    measured: _Measured,
) -> Layout:
    alignment = alignment_of(style, rtl)
    pitch = _pitch(len(shaped), size, box, style, measured)
    first = _first_baseline(len(shaped), size, pitch, room, style)
    lines = [
        PlacedLine(line, _start(line.width * size, room.own, alignment), first + i * pitch)
        for i, line in enumerate(shaped)
    ]
    return _inside(lines, size, box, style)


def alignment_of(style: Style, rtl: bool) -> str:
    """How a translation is aligned: as the source, mirrored when only one of the two runs right to left."""
    if rtl != (style.direction == "rtl"):
        return {"left": "right", "right": "left"}.get(style.alignment, "center")
    return style.alignment


def _pitch(count: int, size: float, box: Box, style: Style, measured: _Measured) -> float:
    """The source's line pitch where there is room for it, else as much as there is."""
    least = _pitch_least(measured) * size
    if count < 2:
        return least
    room = (box.bottom - box.top - (measured.rise + measured.fall) * size) / (count - 1)
    return max(least, min(style.line_height * size, room))


def _first_baseline(count: int, size: float, pitch: float, room: Room, style: Style) -> float:
    """Same place as the source's, or around the same middle where the number of lines has changed."""
    first = room.own.top + ASCENT * style.size
    last = max(first, room.own.bottom - DESCENT * style.size)
    if count != room.lines and (room.lines < 3 or style.alignment == "center"):
        middle = (first + last) / 2 - _MIDDLE * style.size
        return middle + _MIDDLE * size - (count - 1) * pitch / 2
    return first - _MIDDLE * (style.size - size)


def _start(width: float, own: Box, alignment: str) -> float:
    if alignment == "center":
        return (own.left + own.right - width) / 2
    return own.right - width if alignment == "right" else own.left


def _ink(lines: Sequence[PlacedLine], size: float) -> Box | None:
    found: Box | None = None
    for line in lines:
        if line.shaped.ink is None:
            continue
        ink = line.shaped.ink
        box = Box(
            line.x + ink.left * size,
            line.y + ink.top * size,
            line.x + ink.right * size,
            line.y + ink.bottom * size,
        )
        found = box if found is None else found.union(box)
    return found


def _inside(lines: list[PlacedLine], size: float, box: Box, style: Style) -> Layout:
    """Move, and where bearings stick out shrink, so that all ink is in `box`."""
    lines = [_slid(line, size, box) for line in lines]
    ink = _ink(lines, size)
    if ink is not None:
        wide, high = ink.right - ink.left, ink.bottom - ink.top
        ratio = min(1.0, (box.right - box.left) / max(wide, 1e-9), (box.bottom - box.top) / max(high, 1e-9))
        if ratio < 1:
            ratio *= 0.9999
            lines = [PlacedLine(line.shaped, line.x * ratio, line.y * ratio) for line in lines]
            size *= ratio
            lines = [_slid(line, size, box) for line in lines]
            ink = _ink(lines, size)
    if ink is not None:
        down = max(0.0, box.top - ink.top) - max(0.0, ink.bottom - box.bottom)
        lines = [PlacedLine(line.shaped, line.x, line.y + down) for line in lines]
        ink = _ink(lines, size)
    return Layout(tuple(lines), size, ink, _flags(lines, size, style))


def _slid(line: PlacedLine, size: float, box: Box) -> PlacedLine:
    """The line moved sideways into `box`."""
    ink = line.shaped.ink
    if ink is None:
        return line
    right = max(0.0, line.x + ink.right * size - box.right)
    x = line.x - right
    return PlacedLine(line.shaped, x + max(0.0, box.left - (x + ink.left * size)), line.y)


def _flags(lines: Sequence[PlacedLine], size: float, style: Style) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    least = max(LEGIBLE, _LEAST_SHARE * style.size)
    if size < least:
        flags.append(Flag.TOO_SMALL)
    if size < 0.6 * least:
        flags.append(Flag.OVERFLOW_RISK)
    if any(line.shaped.missing for line in lines):
        flags.append(Flag.MISSING_GLYPH)
    return tuple(flags)
