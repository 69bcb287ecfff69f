"""Whether a text is in the target language already, told only where that can be known.

An engine names a language for every word; for a few letters that is a guess. So a text counts as the
target's only when its script says so or when it is long enough, and a short one only in a picture that is in
the target language: to translate what needs none does less harm than to leave what needs it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Final

from shared.translation.tags import base, same

_LEAST_LETTERS: Final = 16
_LEAST_WORDS: Final = 3
_LEAST_SIGNS: Final = 5
"""Letters of Chinese, Japanese and Korean, which say more each."""

_SCRIPTS: Final = {
    "LATIN": "",
    "CYRILLIC": "be bg kk ky mk mn ru sr tg uk",
    "GREEK": "el",
    "ARABIC": "ar ckb fa ps sd ug ur",
    "HEBREW": "he iw yi",
    "DEVANAGARI": "hi mr ne sa",
    "BENGALI": "as bn",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh ja yue",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am ti",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "SINHALA": "si",
}
_WIDE: Final = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}
_NOT_LATIN: Final = frozenset(" ".join(_SCRIPTS.values()).split())


def is_in(text: str, detected: str | None, picture: str | None, target: str) -> bool:
    """Whether `text` needs no translation into `target`.

    `detected` is the language that the engine gave it, `picture` that of the whole, given or found. A script
    that the target is not written in settles it, and so does one of the target alone. Else the engine is
    believed for a long text; for a short one the picture must be in the target's language, too.
    """
    # Recognition says `zh` where the caller knows `zh-CN`.
    detected = picture if detected is None or same(detected, picture) else detected
    scripts = _scripts(text)
    if not scripts:
        return False
    written = max(scripts, key=lambda script: scripts[script])
    if not _may_be(written, target):
        return False
    if picture is not None and not same(picture, target) and not _may_be(written, picture):
        # Letters that the picture's language has not, and the target has: the only reading, or the engine's.
        return same(detected, target) or _SCRIPTS[written] == base(target)
    return same(detected, target) and (_is_long(text, scripts) or picture is None or same(picture, target))


def _scripts(text: str) -> Counter[str]:
    names = (
        unicodedata.name(char, "").partition(" ")[0].partition("-")[0] for char in text if char.isalpha()
    )
    return Counter(name for name in names if name in _SCRIPTS)


def _may_be(script: str, language: str) -> bool:
    """Whether a language is written in a script. One with several, such as Serbian, is in all of them."""
    code = base(language) or ""
    if script == "LATIN":
        return code not in _NOT_LATIN or code in {"sr", "mn", "kk"}
    return code in _SCRIPTS[script].split()


def _is_long(text: str, scripts: Counter[str]) -> bool:
    letters = sum(scripts.values())
    if sum(scripts[script] for script in _WIDE) * 2 > letters:
        return letters >= _LEAST_SIGNS
    return letters >= _LEAST_LETTERS and len(text.split()) >= _LEAST_WORDS
