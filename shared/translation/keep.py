"""Texts that no translation should touch: what has no words, and what is an address, an amount or a code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from shared.translation.measures import CURRENCIES, UNITS

URL: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>«»„“”]+"
    r"|(?<![\w@.])(?:[\w-]{1,63}\.){1,8}(?:com|org|net|edu|gov|info|io|dev|app|eu|biz|shop)\b(?:/[^\s<>]*)?",
    re.IGNORECASE,
)
EMAIL: Final = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
HANDLE: Final = re.compile(r"(?<![\w&/])[@#][^\W\d_]\w{1,63}")
CODE: Final = re.compile(
    r"(?<!\w)(?=[A-Z0-9./_-]*\d)(?=[A-Z0-9./_-]*[A-Z])"
    r"[A-Z0-9]+(?:[./_-][A-Z0-9]+)*(?!\w)"
)
"""Capitals and digits together, such as a SKU, a flight, a paper's size."""

_ROMAN: Final = re.compile(r"(?=[IVX]{2,})X{0,3}(?:IX|IV|V?I{0,3})")
_EDGES: Final = "()[]{}«»„“”‚‘’\"'.,;:!?*·•–—-/|+~<>=≈±×™®©"


def is_kept(text: str, terms: Iterable[str] = ()) -> bool:
    """Tell whether a block of this text stays as it is.

    So do numbers in any script, prices, times, quantities with their unit, phone numbers, addresses of pages
    and mail, handles, hashtags, codes, single letters, and the `terms` that are not translated.
    """
    words = text.split()
    numbered = any(unicodedata.category(char) == "Nd" for char in text)
    if all(_stays(word, numbered) for word in words):
        return True
    letters = [c for c in text if unicodedata.category(c).startswith("L")]
    if len(letters) == 1 and unicodedata.category(letters[0]) != "Lo":
        return True
    bare = _folded(text)
    return any(bare == _folded(term) for term in terms)


def _stays(word: str, numbered: bool) -> bool:
    if not _letters(word):
        return True
    if any(pattern.fullmatch(word.strip("()[]<>,;!?")) for pattern in (URL, EMAIL, HANDLE)):
        return True
    bare = word.strip(_EDGES)
    if CODE.fullmatch(bare) or _ROMAN.fullmatch(bare) or not bare:
        return True
    return numbered and all(_is_measure(part) for part in _LETTERS.findall(_unmarked(bare)))


_LETTERS: Final = re.compile(r"[^\W\d_](?:[^\s\d$€£¥₩₹₽₺₴₪฿₫]*[^\W\d_²³2-3])?[²³]?")


def _is_measure(part: str) -> bool:
    """Whether the letters beside a number are a currency or a unit."""
    folded = unicodedata.normalize("NFKC", part).casefold().strip(".")
    return folded in CURRENCIES or folded in UNITS or part.casefold() in UNITS


def _unmarked(text: str) -> str:
    """Without vowel signs and other marks, which belong to no letter class."""
    return "".join(char for char in text if unicodedata.category(char) != "Mn")


def _folded(text: str) -> str:
    return " ".join(text.split()).strip(_EDGES + " ").casefold()


def _letters(word: str) -> bool:
    return any(unicodedata.category(c).startswith("L") for c in word)
