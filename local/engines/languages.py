"""Which language a text is in: py3langid, restricted to the languages of the text's script."""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

_BY_SCRIPT = {
    "LATIN": "af br ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it la lb lt lv ms mt nl nn no oc "
    "pl pt ro sk sl sq sv sw tl tr vi",
    "CYRILLIC": "be bg kk ky mk mn ru sr uk",
    "ARABIC": "ar fa ps ug ur",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi mr ne",
    "BENGALI": "as bn",
    "HANGUL": "ko",
    "KANA": "ja",
    "HAN": "zh ja",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "SINHALA": "si",
}
_NAMED_OTHERWISE = {"HIRAGANA": "KANA", "KATAKANA": "KANA", "CJK": "HAN", "IDEOGRAPHIC": "HAN"}
SURE = 0.7
"""Confidence from which one short text is believed alone."""

PLAIN = 0.85
"""Confidence from which a paragraph is believed against the rest of its page."""

_LEAST_WORDS, _LEAST_LETTERS = 3, 16
_lock = threading.Lock()


@cache
def script_of(character: str) -> str | None:
    """The script of a letter by its Unicode name, such as LATIN, HAN or KANA; None for other characters."""
    if not (character.isalpha() or unicodedata.category(character).startswith("M")):
        return None
    first = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    script = _NAMED_OTHERWISE.get(first, first)
    return script if script in _BY_SCRIPT else None


def main_script(text: str) -> str | None:
    """The script of most of the letters, KANA as soon as a few of a Han text's are; None without letters."""
    counts = Counter(script for script in map(script_of, text) if script)
    if not counts:
        return None
    script = counts.most_common(1)[0][0]
    if script == "HAN" and counts["KANA"] * 8 >= counts["HAN"]:
        return "KANA"
    return script


def identify(text: str, among: frozenset[str] | None = None) -> tuple[str, float]:
    """The ISO 639-1 code of the text's language and a confidence from 0 to 1; `("und", 0)` without letters.

    `among` narrows the choice where it holds any language of the text's script.
    """
    script = main_script(text)
    if script is None:
        return "und", 0.0
    languages = frozenset(_BY_SCRIPT[script].split())
    languages = (languages & among if among else languages) or languages
    if len(languages) == 1:
        return next(iter(languages)), 1.0
    known = _identifier()
    with _lock:
        known.set_languages(languages)
        language, confidence = known.classify(text)
    return str(language), max(0.0, min(1.0, float(confidence)))


def identify_each(texts: Sequence[str], among: frozenset[str] | None = None) -> list[str]:
    """The language of each text; a short doubtful one takes the language of all the texts of its script."""
    found = [identify(text, among) for text in texts]
    scripts = [main_script(text) for text in texts]
    result = []
    for (language, confidence), script in zip(found, scripts, strict=True):
        if 0 < confidence < SURE:
            alike = "\n".join(text for text, other in zip(texts, scripts, strict=True) if other == script)
            language = identify(alike, among)[0]
        result.append(language)
    return result


def language_within(text: str, page: str) -> str:
    """The language of one paragraph of a page: the page's, unless enough words plainly are in another."""
    if len(text.split()) < _LEAST_WORDS or sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return page
    language, confidence = identify(text)
    # A hint may name a region, which nobody sees in a text.
    return page if confidence < PLAIN or language == page.partition("-")[0].lower() else language


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
