"""Where a line may end: Unicode Standard Annex 14, words written without spaces, hyphens, last resorts.

The annex's classes and rules are those of `uniseg`. On top of them: Korean is broken between words only, as
signs are set; phrases of Japanese and Chinese and words of Thai are told by BudouX; Lao, Khmer and Burmese,
for which there is no such model, may break before a vowel that is written ahead of its consonant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from shared.imaging.typesetting.annex import opportunities
from shared.imaging.typesetting.hyphenation import syllables
from shared.imaging.typesetting.scripts import IDEOGRAPHIC, SHARED, script_of
from shared.imaging.typesetting.words import clusters

_PLAIN = re.compile(r"[^\W_]+(?:['’.,:][^\W_]+)*[.,;:!?]*")
_DEPENDENT = {"Thai", "Laoo", "Khmr", "Mymr", "Hang"}
_HYPHENATED = {"Latn", "Cyrl", "Grek", "Armn"}
_SEVERABLE = _HYPHENATED | IDEOGRAPHIC | SHARED | {"Hang", "Hebr", "Geor"}
_LEADING_VOWELS = set("เแโใไເແໂໃໄ")
_LEADING = {"Laoo", "Khmr", "Mymr"}
_KEEPS_TO_NEXT = "([{¿¡“‘«„‚「『（〈《【$€£¥#@"
_KEEPS_TO_LAST = ")]},.!?:;%…»”’」』）〉》】、。，．！？/-–—"
_LETTERS = re.compile(r"[^\W\d_]+")
_SOFT_HYPHEN = "\u00ad"
_LEANS_BACK = re.compile(r"(?<=[^\W\d_]{2}[-\u2010])[^\W\d_]{1,3}(?![^\W\d_])")
"""What leans on the word before it: Mantenha-a, est-ce, check-in."""


class Strain(IntEnum):
    """How far a break goes beyond what a reader expects; each step allows those before it."""

    NATURAL = 0
    WITHIN_PHRASE = 1
    HYPHEN = 2
    ANYWHERE = 3


class Cut(NamedTuple):
    """A line may end before the character `at`, with a hyphen where `hyphen` says so."""

    at: int
    hyphen: bool = False


@lru_cache(maxsize=1 << 12)
def cuts(text: str, language: str, strain: Strain) -> tuple[Cut, ...]:
    """Every place within `text` where a line may end, in order."""
    # A combining vowel or tone never begins a line.
    allowed = _breakable(text) & set(accumulate(map(len, clusters(text))))
    if strain == Strain.NATURAL:
        allowed &= _phrase_ends(text, language)
    if strain < Strain.ANYWHERE:
        allowed -= {m.start() for m in _LEANS_BACK.finditer(text) if script_of(m.group()[0]) in _HYPHENATED}
    found = {index: Cut(index, text[index - 1] == _SOFT_HYPHEN) for index in allowed}
    if strain >= Strain.HYPHEN:
        for match in _LETTERS.finditer(text):
            for i in syllables(match.group(), language):
                found.setdefault(match.start() + i, Cut(match.start() + i, True))
    if strain >= Strain.ANYWHERE:
        for cut in _last_resorts(text):
            found.setdefault(cut.at, cut)
    return tuple(found[index] for index in sorted(found))


def _last_resorts(text: str) -> Iterator[Cut]:
    """Places between any two characters that do not join: for words and addresses longer than a line."""
    index = 0
    for cluster in clusters(text)[:-1]:
        index += len(cluster)
        before, after = text[index - 1], text[index]
        if before.isspace() or after.isspace() or before in _KEEPS_TO_NEXT or after in _KEEPS_TO_LAST:
            continue
        if {script_of(before), script_of(after)} <= _SEVERABLE:
            yield Cut(index, before.isalpha() and after.isalpha() and script_of(before) in _HYPHENATED)


def _breakable(text: str) -> set[int]:
    """Opportunities of the annex and of scripts that write no spaces."""
    found: set[int] = set()
    start = 0
    tokens = [token for token in re.findall(r"[^ ]* *", text) if token]
    for token, following in pairwise([*tokens, ""]):
        found |= {start + i for i in within(token.rstrip(" "))}
        start += len(token)
        if following and token.strip(" ") and _may_part(token.rstrip(" "), following):
            found.add(start)
    return found


def _may_part(before: str, after: str) -> bool:
    """Whether the white space between two words may end a line."""
    if before[-1] not in _KEEPS_TO_NEXT and after[0] not in _KEEPS_TO_LAST:
        return True
    return (len(before) + 1) in opportunities(f"{before} {after.rstrip()}")


@lru_cache(maxsize=1 << 13)
def within(token: str) -> frozenset[int]:
    """Opportunities inside a text without spaces."""
    if _PLAIN.fullmatch(token) and not any(_is_special(char) for char in token):
        return frozenset()
    found = {i for i in opportunities(token) if not _joins_hangul(token, i)}
    found |= {i for i in range(1, len(token)) if _leads_syllable(token[i])}
    if any(script_of(char) == "Thai" for char in token):
        found |= _chunk_ends(token, "th")
    return frozenset(i for i in found if 0 < i < len(token))


def _is_special(char: str) -> bool:
    script = script_of(char)
    return script in IDEOGRAPHIC or script in _DEPENDENT or "\u2e80" <= char <= "\uffff"


def _joins_hangul(token: str, i: int) -> bool:
    return script_of(token[i - 1]) == "Hang" and script_of(token[i]) == "Hang"


def _leads_syllable(char: str) -> bool:
    return char in _LEADING_VOWELS and script_of(char) in _LEADING


def _phrase_ends(text: str, language: str) -> set[int]:
    """All indices but those inside a phrase of Chinese or Japanese."""
    found = set(range(1, len(text)))
    if not any(script_of(char) in IDEOGRAPHIC for char in text):
        return found
    ends = _chunk_ends(text, _model_for(language))
    return {i for i in found if i in ends or not _within_phrase(text[i - 1], text[i])}


def _within_phrase(before: str, after: str) -> bool:
    """Whether no sign stands between two characters of which one is of Chinese or Japanese."""
    written = [script_of(char) in IDEOGRAPHIC for char in (before, after)]
    return all(written) or (any(written) and before.isalnum() and after.isalnum())


def _model_for(language: str) -> str:
    parts = language.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        return "zh-hant" if {"hant", "tw", "hk", "mo"} & set(parts[1:]) else "zh-hans"
    return "zh-hant" if parts[0] == "yue" else "ja"


def _chunk_ends(text: str, model: str) -> set[int]:
    ends: set[int] = set()
    index = 0
    for chunk in _chunker(model)(text):
        index += len(chunk)
        ends.add(index)
    return ends - {len(text)}


@lru_cache(maxsize=4)
def _chunker(model: str) -> Callable[[str], list[str]]:
    import budoux

    load = {
        "ja": budoux.load_default_japanese_parser,
        "th": budoux.load_default_thai_parser,
        "zh-hans": budoux.load_default_simplified_chinese_parser,
        "zh-hant": budoux.load_default_traditional_chinese_parser,
    }[model]
    return load().parse
