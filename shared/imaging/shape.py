"""From text to positioned glyphs: direction runs, script runs, font runs, then HarfBuzz."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import uharfbuzz

from shared.imaging.bidi import levels, visual_runs
from shared.imaging.fonts import FontLibrary, Typeface
from shared.imaging.scripts import SHARED, is_rtl, script_of

_INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}
# uharfbuzz carries no types.
hb: Any = uharfbuzz


class Box(NamedTuple):
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True)
class Glyph:
    """A glyph of `font` whose origin is at x, y: ems, y downwards, from the line's start on its baseline."""

    font: Any
    upem: int
    index: int
    x: float
    y: float


@dataclass(frozen=True)
class Shaped:
    """A line of glyphs. `width` is its advance in ems, `ink` the box of what is really drawn, or None."""

    glyphs: tuple[Glyph, ...]
    width: float
    ink: Box | None
    missing: frozenset[str]


@dataclass(frozen=True)
class _Run:
    text: str
    face: Typeface
    script: str
    rtl: bool


@dataclass(frozen=True)
class Shaper:
    """Shapes text in one style for one language. `width` is the percentage of the width axis."""

    faces: tuple[Typeface, ...]
    language: str
    weight: int = 400
    width: int = 100
    features: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, fonts: FontLibrary, language: str, family: str = "sans", weight: int = 400, italic: bool = False
    ) -> Shaper:
        """A shaper whose typefaces suit `language`, `family` and `italic`, in order of preference."""
        return cls(tuple(fonts.candidates(family, italic, language)), language, weight)

    def condensed(self, width: int) -> Shaper:
        """The same at another percentage of the width axis."""
        return replace(self, width=width)

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return is_rtl(self.language)

    def shape(self, text: str) -> Shaped:
        """Shape one line. Characters that no font has are left out and named in `missing`."""
        shown, faces, missing = self._with_faces(_visible(text))
        scripts = _scripts(shown)
        line_levels = levels(shown, self.rtl)
        glyphs: list[Glyph] = []
        ink: Box | None = None
        x = 0.0
        for start, end in visual_runs(line_levels):
            runs = self._runs(shown, faces, scripts, start, end, bool(line_levels[start] % 2))
            for run in runs:
                x, ink = self._shape_run(run, x, ink, glyphs)
        return Shaped(tuple(glyphs), x, ink, frozenset(missing))

    def _with_faces(self, text: str) -> tuple[str, list[Typeface], set[str]]:
        kept: list[str] = []
        faces: list[Typeface] = []
        missing: set[str] = set()
        current: Typeface | None = None
        for cluster in _clusters(text):
            current = self._face_for(cluster, current)
            if current is None:
                missing |= {char for char in cluster if not _is_ignorable(char)}
                continue
            kept += cluster
            faces += [current] * len(cluster)
        return "".join(kept), faces, missing

    def _face_for(self, cluster: str, current: Typeface | None) -> Typeface | None:
        wanted = {ord(char) for char in cluster if not _is_ignorable(char)}
        # Punctuation and digits stay with their neighbours, so that a run is not torn apart.
        sticks = current is not None and script_of(cluster[0]) in SHARED
        if current is not None and sticks and wanted <= current.characters:
            return current
        return next((face for face in self.faces if wanted <= face.characters), None)

    def _runs(
        self, text: str, faces: list[Typeface], scripts: list[str], start: int, end: int, rtl: bool
    ) -> list[_Run]:
        runs: list[_Run] = []
        first = start
        for i in range(start + 1, end + 1):
            if i == end or faces[i] is not faces[first] or scripts[i] != scripts[first]:
                runs.append(_Run(text[first:i], faces[first], scripts[first], rtl))
                first = i
        return runs[::-1] if rtl else runs

    def _shape_run(
        self, run: _Run, x: float, ink: Box | None, glyphs: list[Glyph]
    ) -> tuple[float, Box | None]:
        font = run.face.instance(self.weight, self.width)
        buffer = hb.Buffer()
        buffer.add_str(run.text)
        buffer.direction = "rtl" if run.rtl else "ltr"
        buffer.script = run.script if run.script not in SHARED else "Latn"
        buffer.language = self.language
        hb.shape(font, buffer, dict.fromkeys(self.features, True))
        upem = run.face.upem
        y = 0.0
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            gx, gy = x + position.x_offset / upem, y - position.y_offset / upem
            # A font may lack the glyph for a sequence although it has each character: nothing is drawn then.
            if info.codepoint:
                glyphs.append(Glyph(font, upem, info.codepoint, gx, gy))
                ink = _with_ink(ink, font, info.codepoint, gx, gy, upem)
            x += position.x_advance / upem
        return x, ink


def _with_ink(ink: Box | None, font: Any, index: int, x: float, y: float, upem: int) -> Box | None:
    extents = font.get_glyph_extents(index)
    if extents is None or not (extents.width and extents.height):
        return ink
    left, top = x + extents.x_bearing / upem, y - extents.y_bearing / upem
    box = Box(left, top, left + extents.width / upem, top - extents.height / upem)
    return box if ink is None else ink.union(box)


def _visible(text: str) -> str:
    return "".join(" " if char.isspace() and char != "\u00a0" else char for char in text)


def _is_ignorable(char: str) -> bool:
    return unicodedata.category(char) in _INVISIBLE or 0xFE00 <= ord(char) <= 0xFE0F


def _clusters(text: str) -> list[str]:
    """Base characters with the marks, joiners and selectors that follow them."""
    found: list[str] = []
    for char in text:
        joined = bool(found) and found[-1][-1] == "\u200d"
        if found and (
            joined or unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf"} or _is_ignorable(char)
        ):
            found[-1] += char
        else:
            found.append(char)
    return found


def _scripts(text: str) -> list[str]:
    """ISO 15924 code of each character; shared ones take their neighbour's."""
    own = [script_of(char) for char in text]
    known = next((code for code in own if code not in SHARED), "Latn")
    for i, code in enumerate(own):
        if code in SHARED:
            own[i] = known
        known = own[i]
    return own
