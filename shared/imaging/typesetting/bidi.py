"""Order of characters on a line that mixes directions: Unicode Standard Annex 9 without explicit marks.

Embedding, override and isolate characters are treated as boundary neutrals: translated text has none.
"""

from __future__ import annotations

import unicodedata

_STRONG = {"L": 0, "R": 1, "AL": 1}
_NEUTRAL = {"B", "S", "WS", "ON", "BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_BRACKETS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "「": "」",
    "『": "』",
    "【": "】",
    "〈": "〉",
    "《": "》",
}


def levels(text: str, rtl: bool) -> list[int]:
    """Embedding level of each character of one paragraph whose base direction is `rtl` or left to right."""
    base = 1 if rtl else 0
    if not rtl and (not text or max(text) < "\u0590"):
        return [0] * len(text)
    kinds = [unicodedata.bidirectional(char) or "L" for char in text]
    _resolve_weak(kinds, "R" if rtl else "L")
    _resolve_brackets(text, kinds, base)
    _resolve_neutral(kinds, base)
    return [_level(kind, base) for kind in kinds]


def visual_runs(line_levels: list[int]) -> list[tuple[int, int]]:
    """Ranges of equal level, start and end, in the order they stand on the line from left to right.

    Rule L2 of the annex, applied to whole runs: characters inside a run of odd level stay logical.
    """
    runs: list[tuple[int, int]] = []
    for i, level in enumerate(line_levels):
        if runs and line_levels[i - 1] == level:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    if not runs:
        return runs
    for level in range(max(line_levels), 0, -1):
        start = 0
        while start < len(runs):
            end = start
            while end < len(runs) and line_levels[runs[end][0]] >= level:
                end += 1
            runs[start:end] = runs[start:end][::-1]
            start = max(end, start + 1)
    return runs


def _resolve_weak(kinds: list[str], edge: str) -> None:
    """Rules W1 to W7, in place."""
    previous, strong = edge, edge
    for i, kind in enumerate(kinds):
        if kind == "NSM":
            kinds[i] = previous
        elif kind == "EN" and strong == "AL":
            kinds[i] = "AN"
        if kind in _STRONG:
            strong = kind
        previous = kinds[i]
    for i in range(1, len(kinds) - 1):
        before, kind, after = kinds[i - 1 : i + 2]
        joins = kind in {"ES", "CS"} and before == "EN" and after == "EN"
        if joins or (kind == "CS" and before == after == "AN"):
            kinds[i] = before
    _terminators(kinds)
    strong = edge
    for i, kind in enumerate(kinds):
        kind = "R" if kind == "AL" else "ON" if kind in {"ES", "ET", "CS"} else kind
        if kind in {"L", "R"}:
            strong = kind
        kinds[i] = "L" if kind == "EN" and strong == "L" else kind


def _terminators(kinds: list[str]) -> None:
    """Rule W5: signs such as % and $ beside a European number belong to it."""
    i = 0
    while i < len(kinds):
        end = i
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if end > i and "EN" in (kinds[i - 1] if i else "", kinds[end] if end < len(kinds) else ""):
            kinds[i:end] = ["EN"] * (end - i)
        i = max(end, i + 1)


def _direction(kind: str) -> int | None:
    if kind == "L":
        return 0
    return 1 if kind in {"R", "AL", "EN", "AN"} else None


def _resolve_brackets(text: str, kinds: list[str], base: int) -> None:
    """Rule N0: a pair of brackets takes the direction of what it holds."""
    stack: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for i, char in enumerate(text):
        if kinds[i] != "ON":
            continue
        if char in _BRACKETS:
            stack.append((_BRACKETS[char], i))
        elif any(close == char for close, _ in stack):
            while stack[-1][0] != char:
                stack.pop()
            pairs.append((stack.pop()[1], i))
    for start, end in sorted(pairs):
        inside = {d for kind in kinds[start + 1 : end] if (d := _direction(kind)) is not None}
        if not inside:
            continue
        chosen = base
        if base not in inside:
            before = next((d for k in reversed(kinds[:start]) if (d := _direction(k)) is not None), base)
            chosen = before if before in inside else base
        kinds[start] = kinds[end] = "R" if chosen else "L"


def _resolve_neutral(kinds: list[str], base: int) -> None:
    """Rules N1 and N2: neutrals between equal directions take it, others the base's."""
    i = 0
    while i < len(kinds):
        end = i
        while end < len(kinds) and kinds[end] in _NEUTRAL:
            end += 1
        if end > i:
            before = _direction(kinds[i - 1]) if i else base
            after = _direction(kinds[end]) if end < len(kinds) else base
            chosen = before if before == after else base
            kinds[i:end] = ["R" if chosen else "L"] * (end - i)
        i = max(end, i + 1)


def _level(kind: str, base: int) -> int:
    if base == 0:
        return {"L": 0, "R": 1}.get(kind, 2)
    return 1 if kind == "R" else 2
