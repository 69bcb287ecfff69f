"""Where words may be divided: Liang's patterns (F. M. Liang, "Word Hy-phen-a-tion by Com-put-er", 1983)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_PATTERNS = Path(__file__).with_name("hyphenation.txt")
_SAME = {"no": "nb", "nn": "nb"}
_SHORTEST = 7
"""Words of fewer letters are left whole."""
_LEAST = 3
"""Letters that stay on each side of a hyphen at least: shorter ends are hard to read on a sign."""


@dataclass(frozen=True)
class _Patterns:
    left: int
    right: int
    weights: dict[str, tuple[int, ...]]
    exceptions: dict[str, tuple[int, ...]]
    longest: int


@lru_cache(maxsize=4096)
def syllables(word: str, language: str) -> tuple[int, ...]:
    """Indices in `word` before which a hyphen may be put; none for a language without patterns."""
    code = language.replace("_", "-").lower().split("-")[0]
    patterns = _patterns(_SAME.get(code, code))
    lowered = word.lower()
    if patterns is None or len(word) < _SHORTEST or len(lowered) != len(word) or not word.isalpha():
        return ()
    if lowered in patterns.exceptions:
        return tuple(i for i in patterns.exceptions[lowered] if _LEAST <= i <= len(word) - _LEAST)
    marked = f".{lowered}."
    levels = [0] * (len(marked) + 1)
    for start in range(len(marked)):
        for end in range(start + 1, min(len(marked), start + patterns.longest) + 1):
            for i, weight in enumerate(patterns.weights.get(marked[start:end], ()), start):
                levels[i] = max(levels[i], weight)
    first, last = max(_LEAST, patterns.left), len(word) - max(_LEAST, patterns.right)
    return tuple(i for i in range(first, last + 1) if levels[i + 1] % 2)


@lru_cache(maxsize=32)
def _patterns(code: str) -> _Patterns | None:
    with _PATTERNS.open(encoding="utf-8") as file:
        found = next((line for line in file if line.startswith(f"{code} ")), None)
    if found is None:
        return None
    _, left, right, *entries = found.split()
    divided = [entry[1:].split("-") for entry in entries if entry.startswith("=")]
    weights = dict(_weighed(entry) for entry in entries if not entry.startswith("="))
    return _Patterns(
        int(left),
        int(right),
        weights,
        {"".join(parts): _ends(parts) for parts in divided},
        max(map(len, weights)),
    )


def _weighed(pattern: str) -> tuple[str, tuple[int, ...]]:
    """`1b2a` as its letters, and the weights before each of them and after the last."""
    weights = [0]
    letters: list[str] = []
    for char in pattern:
        if char.isdigit():
            weights[-1] = int(char)
        else:
            letters.append(char)
            weights.append(0)
    return "".join(letters), tuple(weights)


def _ends(parts: list[str]) -> tuple[int, ...]:
    return tuple(len("".join(parts[:i])) for i in range(1, len(parts)))
