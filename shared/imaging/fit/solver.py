"""Find the size and the line breaks with which a text fits the room it has.

Every way of setting the text that taste allows - its faces, the space between letters, how words may be
broken, the number of lines - has a size at which its exact ink just fills a box. The size of the text is the
largest of them, each way counted only up to the share of the source's size for which it may be used. A larger
box raises every one of these sizes or leaves it, so it never makes the text smaller.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.imaging.fit.placing import PlacedLine, Room, ink_of, placed
from shared.imaging.fit.setting import TIGHTEST, TIGHTEST_COLUMNS, Broken, Setting
from shared.imaging.geometry import Box
from shared.imaging.typesetting.linebreak import Strain
from shared.imaging.typesetting.shape import Shaper
from shared.scenes.schemas import Flag, Style

LEGIBLE = 8.0
_LEAST_SHARE = 0.6
_KNOWN_TO = 1.2  # the source's size was measured, and may be that much larger
_RUNNING = 4
"""From this number of lines on a text is set as running text: lines full, words of Chinese broken."""
_STEP = 0.98
"""Sizes are steps of this ratio below the source's: who gives up less than a step may be set nicer."""
_MORE_LINES = 0.94
"""Share of the source's size up to which a text may take more lines than it had and grow for them."""
_LINE_COST = 0.1
_GROWTH_COST = 0.01


@dataclass(frozen=True)
class Layout:
    """Lines at `size` pixels an em. `ink` is the box of all that is drawn, in the block's frame, or None."""

    lines: tuple[PlacedLine, ...]
    size: float
    ink: Box | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class _Way:
    """A manner of setting, used for sizes up to `most` of the source's.

    `width` is a share of the face's width, `closer` the space taken from between letters, in ems. `compounds`
    is for languages that write long words, whose readers are used to hyphens.
    """

    most: float
    strain: Strain
    width: float = 1.0
    closer: float = 0.0
    compounds: bool = False


_COMPOUNDING = {"da", "de", "et", "fi", "is", "nb", "nl", "nn", "no", "sv"}
_WAYS = (
    _Way(1.0, Strain.NATURAL),
    _Way(0.97, Strain.NATURAL, closer=0.015),
    _Way(0.94, Strain.NATURAL, width=0.9, closer=0.01),
    _Way(0.92, Strain.WITHIN_PHRASE),
    _Way(0.88, Strain.HYPHEN, compounds=True),
    _Way(0.84, Strain.NATURAL, width=0.82, closer=0.015),
    _Way(0.8, Strain.HYPHEN, width=0.9, closer=0.01),
    _Way(0.74, Strain.HYPHEN, width=0.8, closer=0.015),
    _Way(0.62, Strain.ANYWHERE, width=0.8, closer=0.015),
)
"""From what nobody notices to what is only better than not being readable."""


@dataclass(frozen=True)
class _Choice:
    """A setting in a box, at the `size` that fills it. `plain` is the first way of all."""

    plain: bool
    size: float
    cost: float
    box: Box
    setting: Setting
    broken: Broken


def least_size(style: Style) -> float:
    """The smallest size in pixels that surely passes for legible."""
    return max(LEGIBLE, _LEAST_SHARE * _KNOWN_TO * style.size)


def fit(text: str, shaper: Shaper, room: Room, style: Style, most: float | None = None) -> Layout:
    """Lay `text` out in `room`, never larger than `most` (the source's size, unless given), as large as fits.

    Of ways that reach the same size the one is taken that needs the fewest lines more than the source has,
    the least of the free space around, and the plainest setting. All ink, with outline, shadow and underline,
    lies inside the box that was used. A size that may be below max(8 px, 0.6 x source) is flagged too_small,
    one far below it overflow_risk.
    """
    limit = style.size if most is None else min(most, style.size)
    room = room.turned() if shaper.vertical else room
    choices = list(_choices(text, shaper, room, style, limit))
    size = _stepped(max(choice.size for choice in choices), style.size, limit)
    best = min((c for c in choices if c.size >= size), key=lambda choice: choice.cost)
    return _laid_out(best, size, shaper, room, style)


def fit_plainly(text: str, shaper: Shaper, room: Room, style: Style) -> Layout | None:
    """What `fit` finds where the text fits the own box as plainly and as large as the source did, else None.

    It is the same whatever larger boxes there are.
    """
    room = replace(room.turned() if shaper.vertical else room, larger=())
    plain = itertools.takewhile(lambda choice: choice.plain, _choices(text, shaper, room, style, style.size))
    best = min((c for c in plain if c.size >= style.size), key=lambda choice: choice.cost, default=None)
    if best is None or best.cost >= _GROWTH_COST:
        return None
    return _laid_out(best, style.size, shaper, room, style)


def _laid_out(best: _Choice, size: float, shaper: Shaper, room: Room, style: Style) -> Layout:
    """The lines of a choice at their places; `room` is turned for columns."""
    broken = _as_running_text(best, size) if _is_running(room, style) else best.broken
    lines = placed(broken, size, best.box, room, style, shaper.rtl)
    ink = ink_of(lines, broken, size)
    if shaper.vertical:
        lines = [replace(line, x=-line.y, y=line.x) for line in lines]
        ink = ink.turned_back() if ink else None
    missing = best.setting.paragraph.missing
    return Layout(tuple(lines), size, ink, _flags(size, style, bool(missing)))


def _stepped(size: float, source: float, limit: float) -> float:
    """The next step down, or the limit itself."""
    if size >= limit:
        return limit
    steps = math.ceil(math.log(max(size, 1e-6) / source) / math.log(_STEP) - 1e-9)
    return min(size, source * float(_STEP**steps))


def _choices(text: str, shaper: Shaper, room: Room, style: Style, limit: float) -> Iterator[_Choice]:
    """The ways worth looking at, each in every box and number of lines that could be the best."""
    boxes = (room.kept, *room.larger)
    reached = 0.0
    for i, (most, setting) in enumerate(_settings(text, shaper, room, style)):
        top = min(limit, most * style.size)
        if reached >= top:
            break
        for count in range(1, setting.most_lines + 1):
            pitch = TIGHTEST_COLUMNS if shaper.vertical else TIGHTEST
            if count > 1 and max(box.height for box in boxes) <= reached * (count - 1) * pitch:
                break
            broken = setting.broken(count)
            if broken is None:
                continue
            more = _LINE_COST * max(0, count - room.lines) + 1e-3 * abs(count - room.lines) + 1e-4 * i
            for j, box in enumerate(boxes):
                taller = j > 0 and count > room.lines
                size = min(top, broken.largest(box), _MORE_LINES * style.size if taller else top)
                reached = max(reached, size)
                yield _Choice(i == 0, size, more + _GROWTH_COST * j, box, setting, broken)


def _settings(text: str, shaper: Shaper, room: Room, style: Style) -> Iterator[tuple[float, Setting]]:
    """Each way once with the size it may be used for, leaving out those that change nothing."""
    seen: set[tuple[object, ...]] = set()
    spaced = style.letter_spacing
    compounding = re.split("[-_]", shaper.language.lower())[0] in _COMPOUNDING
    for way in _WAYS:
        if way.compounds and not compounding:
            continue
        strain = max(way.strain, Strain.WITHIN_PHRASE) if _is_running(room, style) else way.strain
        condensed = shaper.condensed(round(shaper.width * way.width)).spaced(
            spaced * (1 if way.most == 1 else 0.5 if way.width == 1 else 0) - way.closer
        )
        setting = Setting(text, condensed, strain, style)
        axes = any("wdth" in face.pinned.axes for face in set(setting.paragraph.faces))
        key = (setting.cuts, condensed.manner.width if axes else 0, condensed.spacing)
        if key not in seen:
            seen.add(key)
            yield way.most, setting


def _is_running(room: Room, style: Style) -> bool:
    return room.lines >= _RUNNING and style.alignment != "center"


def _as_running_text(choice: _Choice, size: float) -> Broken:
    """Full lines instead of even ones, where they need no more room."""
    full = choice.setting.filled(choice.box.width / size)
    return full if full.largest(choice.box) >= size else choice.broken


def _flags(size: float, style: Style, missing: bool) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    least = least_size(style)
    if size < least * (1 - 1e-9):
        flags.append(Flag.TOO_SMALL)
    if size < 0.6 * least:
        flags.append(Flag.OVERFLOW_RISK)
    if missing:
        flags.append(Flag.MISSING_GLYPH)
    return tuple(flags)
