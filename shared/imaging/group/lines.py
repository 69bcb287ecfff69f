"""Words to lines: which words stand beside each other on one baseline, and which are columns apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.imaging.frame import Frame, Points
from shared.imaging.group.columns import downward, vertical_words
from shared.imaging.group.joining import SOFT_HYPHEN
from shared.imaging.typesetting.reach import reach
from shared.imaging.typesetting.scripts import RTL, is_unspaced, runs_on, script_of
from shared.scenes.recognition import Word
from shared.scenes.schemas import Line

_WIDEST_SPACE = 1.1  # line heights or ems; a wider gap parts columns
_WIDEST_BETWEEN = 0.8  # the same, between words that the engine did not read one after the other
_HIGHER = 1.9  # times; words of one line differ no more in height, as they are or for the letters they have
_SURE = 0.9  # confidence above which an ideograph among other letters is believed
_LENS = "Q"
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
    em: float
    vertical: bool


@dataclass(frozen=True)
class TextLine:
    """A line of words, with the mean of the words' confidences, weighted by length.

    The polygon of a vertical one begins at its top right, where a line that runs downwards has its own top
    left: so its next line, to the left, is below it as in any other text.
    """

    line: Line
    confidence: float
    language: str | None
    block: int
    angle: float
    height: float
    vertical: bool = False
    words: tuple[Word, ...] = ()


def lines_of(words: list[Word]) -> list[TextLine]:
    """Chain words into lines, each from its first word to its last.

    A word follows another when it stands to its right on the same baseline, at most about a letter's
    height away, about as high, and is the nearest such word. In vertical writing it stands below.
    """
    down = vertical_words(words)
    spots = [_spot(i, word, down[i]) for i, word in enumerate(words) if word.text.strip()]
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
    heights = np.array([max(spot.height, spot.em) for spot in spots])
    for a in range(len(spots)):
        apart = np.maximum(low - high[a], low[a] - high).max(axis=1)
        for b in np.nonzero(apart < 1.5 * np.maximum(heights, heights[a]))[0]:
            if a != b:
                yield a, int(b)


def _without_pictograms(chain: list[_Spot]) -> list[_Spot]:
    """Leave out what engines read pictograms as: lone ideographs among words of another script, lenses."""
    if _begins_with_lens(chain):
        chain = chain[1:]
    odd = [
        len(spot.word.text) == 1 and is_unspaced(spot.word.text) and spot.word.confidence < _SURE
        for spot in chain
    ]
    others = [spot for spot, is_odd in zip(chain, odd, strict=True) if not is_odd]
    return others if any(spot.word.text.isascii() for spot in others) else chain


def _begins_with_lens(chain: list[_Spot]) -> bool:
    """Whether a line begins with the magnifying glass of a search field, which reads as a letter."""
    if len(chain) < 2 or chain[0].word.text != _LENS:
        return False
    first, *others = [spot.word for spot in chain]
    is_less_sure = first.confidence < min(word.confidence for word in others)
    return is_less_sure and len(others[0].text) > 2 and others[0].text.isalpha()


def _reaches(follower: dict[int, int], start: int, goal: int) -> bool:
    while start in follower:
        start = follower[start]
        if start == goal:
            return True
    return start == goal


def _spot(index: int, word: Word, vertical: bool) -> _Spot:
    polygon = downward(word.polygon) if vertical else word.polygon
    quad = np.array(polygon, dtype=np.float64)
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    frame = Frame.of(polygon)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    em = frame.height / sum(reach(word.text))
    return _Spot(index, word, quad, angle, frame.height, frame.width, em, vertical)


def _are_alike(first: _Spot, second: _Spot) -> bool:
    """Whether two words may be of one size: some engines' boxes hug the letters, others' are all as high."""
    pairs = ((first.height, second.height), (first.em, second.em))
    return any(max(pair) <= _HIGHER * min(pair) for pair in pairs)


def _gap(first: _Spot, second: _Spot) -> float | None:
    """Distance from the end of `first` to the start of `second`, or None when they are not one line."""
    height = max(first.height, second.height)
    if not _are_alike(first, second) or first.vertical != second.vertical:
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
    follows = abs(second.index - first.index) == 1 and not (first.word.line_end and second.word.line_end)
    widest = _WIDEST_SPACE if follows else _WIDEST_BETWEEN
    # Boxes that hug small letters are lower than what spaces are measured by.
    room = widest * max(height, min(first.em, second.em))
    if shared < 0.55 * low or gap < -0.45 * height or gap > room:
        return None
    ahead = float((second.quad.mean(axis=0) - first.quad.mean(axis=0)) @ u)
    return max(gap, 0.0) if ahead > 0 else None


def _line(chain: list[_Spot]) -> TextLine:
    """One line of a chain; its polygon runs from the first word's left side to the last one's right."""
    points = np.concatenate([spot.quad for spot in chain])
    weights = np.array([spot.width for spot in chain])
    height = float(np.average([spot.height for spot in chain], weights=weights))
    u = _direction(chain, height)
    v = np.array([-u[1], u[0]])
    along, across = points @ u, points @ v
    corners = [
        (along.min() * u + across.min() * v),
        (along.max() * u + across.min() * v),
        (along.max() * u + across.max() * v),
        (along.min() * u + across.max() * v),
    ]
    characters = np.array([max(1, len(spot.word.text)) for spot in chain])
    read = in_logical_order(chain)
    return TextLine(
        Line(
            polygon=[(float(x), float(y)) for x, y in corners],
            text=_text(read),
            words=[spot.word.polygon for spot in read],
        ),
        confidence=float(np.average([spot.word.confidence for spot in chain], weights=characters)),
        language=_commonest([spot.word.language for spot in chain]),
        block=chain[0].word.block,
        angle=float(np.degrees(np.arctan2(u[1], u[0]))),
        height=max(1.0, float(across.max() - across.min())),
        vertical=chain[0].vertical,
        words=tuple(spot.word for spot in read),
    )


def _direction(chain: list[_Spot], height: float) -> Points:
    """Unit vector along the line: where its words' sides point, or from its first word to its last.

    The middles of words of unlike heights do not stand on one line, so the second counts only where it
    differs from the first by more than those heights explain.
    """
    longest = max(chain, key=lambda spot: spot.width)
    sides = sum((spot.quad[1] - spot.quad[0] + spot.quad[2] - spot.quad[3] for spot in chain), np.zeros(2))
    ends = chain[-1].quad[[1, 2]].mean(axis=0) - chain[0].quad[[0, 3]].mean(axis=0)
    length = float(np.linalg.norm(ends))
    direction = sides if len(chain) > 1 else longest.quad[1] - longest.quad[0]
    if length > 4 * height:
        heights = [spot.height for spot in chain]
        explained = (0.5 * (max(heights) - min(heights)) + 1) / length
        turn = sides[0] * ends[1] - sides[1] * ends[0]
        if abs(turn) > explained * length * float(np.linalg.norm(sides)):
            direction = ends
    return np.asarray(direction / max(1e-9, float(np.linalg.norm(direction))), dtype=np.float64)


def in_logical_order(chain: list[_Spot]) -> list[_Spot]:
    """Words of a line from left to right in the order in which they are read.

    In a line from right to left only words of a left-to-right script, with numbers between them, keep their
    order among themselves (Unicode's bidirectional algorithm, for whole words).
    """
    strong = [_strong(spot.word.text) for spot in chain]
    letters = {
        way: sum(len(spot.word.text) for spot, s in zip(chain, strong, strict=True) if s == way)
        for way in "RL"
    }
    if letters["R"] <= letters["L"]:
        return chain
    read: list[_Spot] = []
    run: list[_Spot] = []
    for i in range(len(chain) - 1, -1, -1):
        if strong[i] == "L" or (next((s for s in reversed(strong[:i]) if s), "") == "L" and not strong[i]):
            run.insert(0, chain[i])
            continue
        read += [*run, chain[i]]
        run = []
    return read + run


def _strong(text: str) -> str:
    """`R` for a word of a right-to-left script, `L` for one with other letters, else nothing."""
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return ""
    return "R" if sum(script_of(char) in RTL for char in letters) * 2 > len(letters) else "L"


def _text(chain: list[_Spot]) -> str:
    text = chain[0].word.text
    for before, after in pairwise(chain):
        follows = after.index == before.index + 1
        space = (
            (before.word.space_after or before.word.line_end)
            if follows
            else not (runs_on(before.word.text) and runs_on(after.word.text))
        )
        text += (" " if space and not before.vertical else "") + after.word.text
    last = chain[-1].word
    # The engine saw a hyphen that is no part of the word.
    divided = last.line_end and not last.space_after
    return " ".join(text.split()) + (
        SOFT_HYPHEN if divided and text[-1].isalpha() and not runs_on(last.text) else ""
    )


def _commonest(names: list[str | None]) -> str | None:
    known = [name for name in names if name]
    return max(sorted(set(known)), key=known.count) if known else None
