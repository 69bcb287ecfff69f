"""Texts that no translation should touch: what has no words, and what is an address or a code."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+\.\S+|(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|io|dev|app|eu)(?:/\S*)?",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"(?=\S*\d)[A-Z0-9][A-Z0-9./:_-]*")


def is_kept(text: str) -> bool:
    """Tell whether a block of this text stays as it is: numbers, prices, addresses, codes, single letters."""
    words = text.split()
    if all(_ADDRESS.fullmatch(word) or _CODE.fullmatch(word) or not _letters(word) for word in words):
        return True
    letters = [c for c in text if unicodedata.category(c).startswith("L")]
    return len(letters) == 1 and unicodedata.category(letters[0]) != "Lo"


def _letters(word: str) -> bool:
    return any(unicodedata.category(c).startswith("L") for c in word)
