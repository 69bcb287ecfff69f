"""SVG: the picture without its old texts, and the new ones over it as live text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import uharfbuzz

from shared.imaging.formats.page import FinishedPage
from shared.imaging.formats.written import Part, WrittenLine, all_lines
from shared.imaging.typesetting.fonts import Typeface
from shared.imaging.typesetting.shape import Run
from shared.scenes.schemas import Style

# uharfbuzz carries no types.
_hb: Any = uharfbuzz


@dataclass
class _Fonts:
    """The faces that the texts use, each instance a family of its own, with the characters it is used for."""

    used: dict[tuple[Typeface, int, int], set[str]] = field(default_factory=dict)

    def families(self, runs: Sequence[Run]) -> str:
        """The runs' families in CSS, the commonest first; each lacks what another is there for."""
        counts: dict[int, int] = {}
        for run in runs:
            key = (run.word.face, run.word.manner.weight, run.word.manner.width)
            self.used.setdefault(key, set()).update(run.word.text)
            number = list(self.used).index(key)
            counts[number] = counts.get(number, 0) + len(run.word.text)
        names = [f"f{number}" for number in sorted(counts, key=lambda n: -counts[n])]
        return ", ".join([*names, "sans-serif"])

    def css(self) -> str:
        """Every family with its subset of the font, within the file."""
        return "".join(
            f"@font-face{{font-family:f{number};src:url(data:font/ttf;base64,{_subset(*key, characters)})}}"
            for number, (key, characters) in enumerate(self.used.items())
        )


def svg(pages: Sequence[FinishedPage], target: str) -> bytes:
    """One drawing, several pages one below the other. Fonts are part of it; nothing is fetched.

    Text in perspective is set word by word, with the affine maps that are nearest to it: SVG has no others.
    """
    fonts, parts, top = _Fonts(), [], 0
    for page in pages:
        width, height = page.picture.size
        lines = [line for line in all_lines(page.texts, target) if line.placed.shaped.ink is not None]
        texts = "".join(_text(line, part, fonts) for line in lines for part in line.parts)
        parts.append(
            f'<svg y="{top}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f'<image width="{width}" height="{height}" href="{page.erased}"/>\n{texts}</svg>\n'
        )
        top += height
    widest = max(page.picture.width for page in pages)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest}" height="{top}" '
        f'viewBox="0 0 {widest} {top}" lang="{escape(target, quote=True)}">\n'
    )
    return f"{head}<style>text{{white-space:pre}}{fonts.css()}</style>\n{''.join(parts)}</svg>\n".encode()


def _text(line: WrittenLine, part: Part, fonts: _Fonts) -> str:
    style, size = line.of.block.style, line.size
    x = line.placed.x + part.start + (part.length if line.rtl else 0)
    facts = {
        "x": _number(x),
        "y": _number(line.placed.y),
        "font-size": _number(size),
        "font-family": fonts.families(part.runs),
        "textLength": _number(part.length),
        "lengthAdjust": "spacingAndGlyphs",
        "transform": f"matrix({' '.join(_number(v, 6) for v in line.affine(part.start, part.length))})",
    }
    if line.rtl:
        facts["direction"] = "rtl"
    if line.vertical:
        facts["writing-mode"] = "vertical-rl"
    if any(run.word.manner.italic for run in part.runs):
        facts["font-style"] = "italic"
    if style.underline:
        facts["text-decoration"] = "underline"
    common = " ".join(f'{name}="{escape(value, quote=True)}"' for name, value in facts.items())
    words = escape(part.text)
    return "".join(f"<text {common} {paint}>{words}</text>\n" for paint in _paints(style, size))


def _paints(style: Style, size: float) -> list[str]:
    """How the line is painted, the lowest layer first."""
    layers = []
    if style.shadow is not None:
        along, across = style.shadow.along * size, style.shadow.across * size
        blur = f";filter:blur({_number(style.shadow.blur * size)}px)" if style.shadow.blur else ""
        layers.append(
            f'fill="{style.shadow.colour}" style="translate:{_number(along)}px {_number(across)}px{blur}"'
        )
    paint = f'fill="{style.ink}"'
    if style.outline is not None:
        width = _number(2 * style.outline.width * size)
        paint += f' stroke="{style.outline.colour}" stroke-width="{width}" paint-order="stroke"'
        paint += ' stroke-linejoin="round"'
    return [*layers, paint]


def _subset(face: Typeface, weight: int, width: int, characters: set[str]) -> str:
    """The font with these characters alone, at one weight and width, in base64."""
    wanted = _hb.SubsetInput()
    wanted.sets(_hb.SubsetInputSets.UNICODE).update(map(ord, characters))
    for tag, value in (("wght", weight), ("wdth", width)):
        if tag in face.pinned.axes:
            low, high = face.pinned.axes[tag][:2]
            wanted.pin_axis_location(face.face, tag, float(min(max(value, low), high)))
    return base64.b64encode(_hb.subset(face.face, wanted).blob.data).decode()


def _number(value: float, places: int = 2) -> str:
    return f"{value:.{places}f}".rstrip("0").rstrip(".") or "0"
