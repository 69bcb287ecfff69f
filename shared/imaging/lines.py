"""Words to lines: which words stand beside each other on one baseline, and which are columns apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.imaging.frame import Frame, Points
from shared.imaging.scripts import is_unspaced
from shared.scenes.recognition import Word
from shared.scenes.schemas import Line

_WIDEST_SPACE = 1.1  # line heights; a wider gap parts columns
_SURE = 0.9  # confidence above which an ideograph among other letters is believed
_TURN = 8.0  # degrees that neighbours on one line may differ


@dataclass(frozen=True)
class _Spot:
    """A word with its place: `angle` in degrees, `height` across the baseline in pixels."""

    index: int
    word: Word
    quad: Points
    angle: float
    height: float
    width: float


@dataclass(frozen=True)
class TextLine:
    """A line of words, with the mean of the words' confidences, weighted by length."""

    line: Line
    confidence: float
    language: str | None
    block: int
    angle: float
    height: float


def lines_of(words: list[Word]) -> list[TextLine]:
    """Chain words into lines, each from its first word to its last.

    A word follows another when it stands to its right on the same baseline, at most about a letter's
    height away, about as high, and is the nearest such word.
    """
    spots = [_spot(i, word) for i, word in enumerate(words) if word.text.strip()]
    follower: dict[int, int] = {}
    taken: dict[int, float] = {}
    candidates = [(gap, a, b) for a, b in _near(spots) if (gap := _gap(spots[a], spots[b])) is not None]
    for gap, a, b in sorted(candidates):
        if a not in follower and b not in taken and not _reaches(follower, b, a):
            follower[a] = b
            taken[b] = gap
    chains = []
    for start in range(len(spots)):
        if start not in taken:
            chain = [start]
            while chain[-1] in follower:
                chain.append(follower[chain[-1]])
            chains.append([spots[i] for i in chain])
    return [_line(kept) for chain in chains if (kept := _without_pictograms(chain))]


def _near(spots: list[_Spot]) -> Iterator[tuple[int, int]]:
    """Ordered pairs of words close enough to be neighbours on a line."""
    if not spots:
        return
    low = np.array([spot.quad.min(axis=0) for spot in spots])
    high = np.array([spot.quad.max(axis=0) for spot in spots])
    heights = np.array([spot.height for spot in spots])
    for a in range(len(spots)):
        apart = np.maximum(low - high[a], low[a] - high).max(axis=1)
        for b in np.nonzero(apart < 1.5 * np.maximum(heights, heights[a]))[0]:
            if a != b:
                yield a, int(b)


def _without_pictograms(chain: list[_Spot]) -> list[_Spot]:
    """Leave out lone ideographs among words of another script: engines read pictograms as such."""
    odd = [
        len(spot.word.text) == 1 and is_unspaced(spot.word.text) and spot.word.confidence < _SURE
        for spot in chain
    ]
    others = [spot for spot, is_odd in zip(chain, odd, strict=True) if not is_odd]
    return others if any(spot.word.text.isascii() for spot in others) else chain


def _reaches(follower: dict[int, int], start: int, goal: int) -> bool:
    while start in follower:
        start = follower[start]
        if start == goal:
            return True
    return start == goal


def _spot(index: int, word: Word) -> _Spot:
    quad = np.array(word.polygon, dtype=np.float64)
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    frame = Frame.of(word.polygon)
    return _Spot(
        index, word, quad, float(np.degrees(np.arctan2(along[1], along[0]))), frame.height, frame.width
    )


def _gap(first: _Spot, second: _Spot) -> float | None:
    """Distance from the end of `first` to the start of `second`, or None when they are not one line."""
    height = max(first.height, second.height)
    if height > 1.9 * min(first.height, second.height):
        return None
    # The direction of a short word is mostly noise, so the longer one leads.
    lead = first if first.width >= second.width else second
    if min(first.width, second.width) > 1.5 * height:
        turn = (first.angle - second.angle + 180) % 360 - 180
        if abs(turn) > _TURN:
            return None
    u = np.array([np.cos(np.radians(lead.angle)), np.sin(np.radians(lead.angle))])
    v = np.array([-u[1], u[0]])
    gap = float(((second.quad[0] + second.quad[3]) - (first.quad[1] + first.quad[2])) @ u) / 2
    tops = [float(spot.quad[[0, 1]].mean(axis=0) @ v) for spot in (first, second)]
    bottoms = [float(spot.quad[[2, 3]].mean(axis=0) @ v) for spot in (first, second)]
    if lead.width < 4 * height or abs(gap) > height:
        tops[0], bottoms[0] = float(first.quad[1] @ v), float(first.quad[2] @ v)
        tops[1], bottoms[1] = float(second.quad[0] @ v), float(second.quad[3] @ v)
    shared = min(bottoms) - max(tops)
    low = min(bottoms[0] - tops[0], bottoms[1] - tops[1])
    if shared < 0.55 * low or gap < -0.45 * height or gap > _WIDEST_SPACE * height:
        return None
    ahead = float((second.quad.mean(axis=0) - first.quad.mean(axis=0)) @ u)
    return max(gap, 0.0) if ahead > 0 else None


def _line(chain: list[_Spot]) -> TextLine:
    """One line of a chain; its polygon runs from the first word's left side to the last one's right."""
    longest = max(chain, key=lambda spot: spot.width)
    points = np.concatenate([spot.quad for spot in chain])
    ends = chain[-1].quad[[1, 2]].mean(axis=0) - chain[0].quad[[0, 3]].mean(axis=0)
    weights = np.array([spot.width for spot in chain])
    height = float(np.average([spot.height for spot in chain], weights=weights))
    direction = ends if np.linalg.norm(ends) > 4 * height else longest.quad[1] - longest.quad[0]
    u = direction / max(1e-9, float(np.linalg.norm(direction)))
    v = np.array([-u[1], u[0]])
    along, across = points @ u, points @ v
    corners = [
        (along.min() * u + across.min() * v),
        (along.max() * u + across.min() * v),
        (along.max() * u + across.max() * v),
        (along.min() * u + across.max() * v),
    ]
    characters = np.array([max(1, len(spot.word.text)) for spot in chain])
    return TextLine(
        Line(
            polygon=[(float(x), float(y)) for x, y in corners],
            text=_text(chain),
            words=[spot.word.polygon for spot in chain],
        ),
        confidence=float(np.average([spot.word.confidence for spot in chain], weights=characters)),
        language=_commonest([spot.word.language for spot in chain]),
        block=chain[0].word.block,
        angle=float(np.degrees(np.arctan2(u[1], u[0]))),
        height=max(1.0, float(across.max() - across.min())),
    )


def _text(chain: list[_Spot]) -> str:
    text = chain[0].word.text
    for before, after in pairwise(chain):
        follows = after.index == before.index + 1
        space = (
            (before.word.space_after or before.word.line_end)
            if follows
            else not (is_unspaced(before.word.text) and is_unspaced(after.word.text))
        )
        text += (" " if space else "") + after.word.text
    return " ".join(text.split())


def _commonest(names: list[str | None]) -> str | None:
    known = [name for name in names if name]
    return max(sorted(set(known)), key=known.count) if known else None
