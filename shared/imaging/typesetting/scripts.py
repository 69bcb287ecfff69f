"""Scripts of characters and languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import fontTools.unicodedata

# fontTools carries no types.
_unicode: Any = fontTools.unicodedata

SHARED = frozenset({"Zyyy", "Zinh", "Zzzz"})
"""ISO 15924 codes of characters that belong to every script or to none."""

IDEOGRAPHIC = frozenset({"Hani", "Hira", "Kana", "Bopo", "Yiii"})

RTL = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm"})
"""Scripts written from right to left."""

UNSPACED = IDEOGRAPHIC | {"Thai", "Laoo", "Khmr", "Mymr"}
"""Scripts that put no space between words."""

_RTL_LANGUAGES = {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"}


@lru_cache(maxsize=1 << 14)
def script_of(char: str) -> str:
    """ISO 15924 code of the script `char` belongs to."""
    return str(_unicode.script(char))


def is_rtl(language: str) -> bool:
    """Whether `language` (BCP 47) is written from right to left."""
    parts = language.replace("_", "-").lower().split("-")
    return parts[0] in _RTL_LANGUAGES or "arab" in parts[1:] or "hebr" in parts[1:]


def is_unspaced(text: str) -> bool:
    """Tell whether lines of `text` may be cut between any two letters, as Chinese and Japanese may."""
    return _mostly(text, IDEOGRAPHIC)


def runs_on(text: str) -> bool:
    """Tell whether `text` is written without spaces between words, as Chinese, Japanese and Thai are."""
    return _mostly(text, UNSPACED)


def is_east_asian(text: str) -> bool:
    """Tell whether most letters of `text` are Chinese, Japanese or Korean, of many strokes in one square."""
    return _mostly(text, IDEOGRAPHIC | {"Hang"})


def _mostly(text: str, scripts: frozenset[str]) -> bool:
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(script_of(char) in scripts for char in letters) * 2 > len(letters)
