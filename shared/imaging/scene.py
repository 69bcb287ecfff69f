"""From words to a scene: lines, paragraphs, reading order, and how each paragraph looks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shared.imaging.areas import flagged, parted
from shared.imaging.files.decode import Picture
from shared.imaging.files.derivative import flattened
from shared.imaging.frame import Frame
from shared.imaging.group.columns import upright
from shared.imaging.group.joining import compounds_in, joined
from shared.imaging.group.lines import TextLine, lines_of
from shared.imaging.group.order import in_reading_order
from shared.imaging.group.outline import Plane, column_outline, foreshortened, outline
from shared.imaging.group.paragraphs import paragraphs
from shared.imaging.group.placed import Placed, placed
from shared.imaging.ink.region import neighbours, reaches_of
from shared.imaging.measure.look import Look, measure
from shared.imaging.pixels import Pixels
from shared.imaging.style.alignment import source_alignment
from shared.imaging.style.harmony import harmonised
from shared.imaging.style.lean import common_lean, is_italic
from shared.imaging.style.resemblance import with_families
from shared.imaging.style.wear import common_colour, outline_of, shadow_of, weighted
from shared.imaging.style.weight import weight_of
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.scripts import RTL, is_rtl, script_of
from shared.imaging.typesetting.words import LEAN
from shared.scenes.recognition import Recognition, Word
from shared.scenes.schemas import Block, Flag, LeaveAlone, Line, Scene, Source, Style

_UNSURE = 0.6
_CUT = 1.0  # pixels by which an engine's boxes may cut letters before that is looked at


def build_scene(
    recognition: Recognition,
    picture: Picture,
    engine: str,
    leave_alone: LeaveAlone | None = None,
    fonts: FontLibrary | None = None,
) -> Scene:
    """Group what was recognised in `picture` and measure how it looks.

    `recognition` is in the picture's own pixels. Block polygons reach from the ascenders of the first line
    to the descenders of the last and from the first ink to the last; those of vertical writing from the
    first column's right side to the last one's left. Blocks are in reading order, with ids b1, b2, and so on.
    Words in an area to `leave_alone` are texts apart from the others, and flagged. Without `fonts` to compare
    with, every text counts as sans.
    """
    leave_alone = leave_alone or LeaveAlone()
    words = [word for word in recognition.words if _is_inside(word, picture)]
    inside, outside = parted(words, leave_alone.exclude)
    lines, excluded = lines_of(outside), lines_of(inside)
    rgb = flattened(picture.rgb, picture.alpha)
    looks = _looks(rgb, [*lines, *excluded])
    every, plane = foreshortened(placed([*lines, *excluded], looks))
    groups = in_reading_order([*paragraphs(every[: len(lines)]), *paragraphs(every[len(lines) :])])
    lean = common_lean([line for group in groups for line in group], plane)
    blocks = harmonised([_block(i, group, groups, plane, lean, rgb) for i, group in enumerate(groups, 1)])
    if fonts is not None:
        blocks = with_families(blocks, groups, fonts)
    return Scene(
        source=Source(
            sha256=picture.sha256,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
        ),
        language=recognition.language,
        engine=engine,
        leave_alone=leave_alone,
        blocks=flagged(blocks, inside),
    )


def _is_inside(word: Word, picture: Picture) -> bool:
    """Whether any of the word's rectangle lies in the picture."""
    low, high = np.min(word.polygon, axis=0), np.max(word.polygon, axis=0)
    return bool((high > 0).all() and (low < picture.size).all())


def _looks(rgb: Pixels, lines: list[TextLine]) -> list[Look | None]:
    quads = [np.array(line.line.polygon) for line in lines]
    reaches, found = reaches_of(quads), []
    for i, line in enumerate(lines):
        others = [quads[j] for j in neighbours(reaches, i, line.height) if j != i]
        found.append(measure(rgb, line.line, others))
    return found


def _block(
    number: int,
    group: list[Placed],
    groups: Sequence[list[Placed]],
    plane: Plane | None,
    lean: float,
    rgb: Pixels,
) -> Block:
    size = weighted([(p.size, len(p.words)) for p in group])
    style = _style(group, groups, size, rgb)
    style.italic = is_italic(group, lean)
    own = LEAN if style.italic else 0.0
    polygon = column_outline(group, size) if group[0].text.vertical else outline(group, size, plane, own)
    style.shadow = shadow_of([(p.look, len(p.words)) for p in group if p.look], polygon, size)
    confidence = _mean([(p.text.confidence, len(p.words)) for p in group])
    return Block(
        id=f"b{number}",
        polygon=polygon,
        angle=_angle(polygon),
        lines=[_as_drawn(p) for p in group],
        text=joined([p.words for p in group], compounds_in([p.words for g in groups for p in g])),
        language=next((p.text.language for p in group if p.text.language), None),
        confidence=min(1.0, max(0.0, confidence)),
        style=style,
        flags=[Flag.LOW_CONFIDENCE] if confidence < _UNSURE else [],
    )


def _as_drawn(line: Placed) -> Line:
    """The line with its polygon from the top left of its own characters, and words that cover all its ink."""
    own, look = line.text.line, line.look
    if line.text.vertical:
        return own.model_copy(update={"polygon": upright(own.polygon)})
    if look is None or not look.calm or not own.words:
        return own
    frame = Frame.of(own.polygon)
    before, beyond = min(0.0, look.left), max(0.0, look.right - frame.width)
    if max(-before, beyond) < _CUT:
        return own
    words = [frame.to_local(word) for word in own.words]
    first, last = (pick(range(len(words)), key=lambda i: words[i][:, 0].mean()) for pick in (min, max))
    words[first][[0, 3], 0] += before
    words[last][[1, 2], 0] += beyond
    polygons = [[(float(x), float(y)) for x, y in frame.to_picture(word)] for word in words]
    return own.model_copy(update={"words": polygons})


def _angle(polygon: list[tuple[float, float]]) -> float:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = polygon
    return round(float(np.degrees(np.arctan2(y1 - y0 + y2 - y3, x1 - x0 + x2 - x3))), 2)


def _style(group: list[Placed], groups: Sequence[list[Placed]], size: float, rgb: Pixels) -> Style:
    looks = [(p.look, len(p.words)) for p in group if p.look]
    rtl = _is_rtl(group)
    stroke = weighted([(look.stroke, n) for look, n in looks]) if looks else 0.0
    return Style(
        ink=common_colour([(look.ink, n) for look, n in looks], (0, 0, 0)),
        ground=common_colour([(look.ground, n) for look, n in looks], (255, 255, 255)),
        size=round(size, 2),
        weight=weight_of(stroke, "".join(p.words for p in group)),
        alignment=source_alignment(group, groups, size, rgb, rtl),
        direction="ttb" if group[0].text.vertical else "rtl" if rtl else "ltr",
        line_height=_line_height(group, size),
        underline=2 * sum(n for look, n in looks if look.underlined) > sum(n for _, n in looks),
        outline=outline_of(looks, size),
    )


def _is_rtl(group: list[Placed]) -> bool:
    text = "".join(p.words for p in group)
    letters = [script_of(char) for char in text if char.isalpha()]
    if letters:
        return sum(script in RTL for script in letters) * 2 > len(letters)
    known = next((p.text.language for p in group if p.text.language), None)
    return known is not None and is_rtl(known)


def _mean(values: list[tuple[float, int]]) -> float:
    return sum(v * w for v, w in values) / max(1, sum(w for _, w in values))


def _line_height(group: list[Placed], size: float) -> float:
    """Distance of baselines as a multiple of the size; the usual 1.2 for a single line."""
    pitches = [b.baseline - a.baseline for a, b in pairwise(group)]
    return round(min(3.0, max(0.8, float(np.median(pitches)) / size)), 3) if pitches else 1.2
