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
from typing import NamedTuple

from shared.imaging.fit.placing import PlacedLine, Room, ink_of, placed
from shared.imaging.fit.setting import TIGHTEST, TIGHTEST_COLUMNS, Broken, Setting
from shared.imaging.geometry import Box
from shared.imaging.typesetting.linebreak import Strain
from shared.imaging.typesetting.shape import Paragraph, Shaper
from shared.imaging.typesetting.words import Manner
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


class _Choice(NamedTuple):
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


class Ways:
    """The ways of setting one text. Each is made when it is first asked for, and kept for other rooms."""

    def __init__(self, text: str, shaper: Shaper, style: Style, running: bool = False) -> None:
        """`running` text breaks within phrases from the first."""
        self.text = text
        self.shaper = shaper
        self.style = style
        self.running = running
        self._made: list[tuple[float, Setting]] = []
        self._others = self._settings()

    def __iter__(self) -> Iterator[tuple[float, Setting]]:
        """Each way with the share of the source's size for which it may be used."""
        for i in itertools.count():
            if i == len(self._made):
                following = next(self._others, None)
                if following is None:
                    return
                self._made.append(following)
            yield self._made[i]

    def _settings(self) -> Iterator[tuple[float, Setting]]:
        """Each way once, leaving out those that change nothing."""
        seen: set[tuple[object, ...]] = set()
        paragraphs: dict[Manner, Paragraph] = {}
        for way in _WAYS:
            if way.compounds and not self._compounds:
                continue
            strain = max(way.strain, Strain.WITHIN_PHRASE) if self.running else way.strain
            shaper = self._shaper(way)
            if shaper.manner not in paragraphs:
                paragraphs[shaper.manner] = shaper.paragraph(self.text)
            setting = Setting(paragraphs[shaper.manner], strain, self.style)
            if setting.way not in seen:
                seen.add(setting.way)
                yield way.most, setting

    @property
    def _compounds(self) -> bool:
        return re.split("[-_]", self.shaper.language.lower())[0] in _COMPOUNDING

    def _shaper(self, way: _Way) -> Shaper:
        kept = 1 if way.most == 1 else 0.5 if way.width == 1 else 0
        spacing = self.style.letter_spacing * kept - way.closer
        return replace(self.shaper, width=round(self.shaper.width * way.width), spacing=spacing)


def is_running(room: Room, style: Style) -> bool:
    """Whether a text in this room is set as running text: lines full, phrases broken."""
    return room.lines >= _RUNNING and style.alignment != "center"


def fit(text: str, shaper: Shaper, room: Room, style: Style, most: float | None = None) -> Layout:
    """Lay `text` out in `room`, never larger than `most` (the source's size, unless given), as large as fits.

    Of ways that reach the same size the one is taken that needs the fewest lines more than the source has,
    the least of the free space around, and the plainest setting. All ink, with outline, shadow and underline,
    lies inside the box that was used. A size that may be below max(8 px, 0.6 x source) is flagged too_small,
    one far below it overflow_risk.
    """
    return fit_in(Ways(text, shaper, style, is_running(room, style)), room, most)


def fit_in(ways: Ways, room: Room, most: float | None = None) -> Layout:
    """`fit` for ways that may have been tried in other rooms."""
    source = ways.style.size
    limit = source if most is None else min(most, source)
    room = room.turned() if ways.shaper.vertical else room
    choices = list(_choices(ways, room, limit))
    size = _stepped(max(choice.size for choice in choices), source, limit)
    best = min((c for c in choices if c.size >= size), key=lambda choice: choice.cost)
    return _laid_out(best, size, ways, room)


def fit_plainly(ways: Ways, room: Room) -> Layout | None:
    """What `fit_in` finds where the text fits the own box as plainly and as large as the source did, or None.

    It is the same whatever larger boxes there are.
    """
    size = ways.style.size
    room = replace(room.turned() if ways.shaper.vertical else room, larger=())
    plain = itertools.takewhile(lambda choice: choice.plain, _choices(ways, room, size))
    best = min((c for c in plain if c.size >= size), key=lambda choice: choice.cost, default=None)
    if best is None or best.cost >= _GROWTH_COST:
        return None
    return _laid_out(best, size, ways, room)


def _laid_out(best: _Choice, size: float, ways: Ways, room: Room) -> Layout:
    """The lines of a choice at their places; `room` is turned for columns."""
    style, shaper = ways.style, ways.shaper
    broken = _as_running_text(best, size) if is_running(room, style) else best.broken
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


def _choices(ways: Ways, room: Room, limit: float) -> Iterator[_Choice]:
    """What is worth looking at: each way in every box and number of lines that could be the best."""
    boxes = (room.kept, *room.larger)
    source = ways.style.size
    pitch = TIGHTEST_COLUMNS if ways.shaper.vertical else TIGHTEST
    highest = max(box.height for box in boxes)
    reached = 0.0
    for i, (most, setting) in enumerate(ways):
        top = min(limit, most * source)
        if reached >= top:
            break
        for count in range(1, setting.most_lines + 1):
            if count > 1 and highest <= reached * (count - 1) * pitch:
                break
            broken = setting.broken(count)
            if broken is None:
                continue
            more = _LINE_COST * max(0, count - room.lines) + 1e-3 * abs(count - room.lines) + 1e-4 * i
            for j, box in enumerate(boxes):
                taller = j > 0 and count > room.lines
                size = min(top, broken.largest(box), _MORE_LINES * source if taller else top)
                reached = max(reached, size)
                yield _Choice(i == 0, size, more + _GROWTH_COST * j, box, setting, broken)


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
