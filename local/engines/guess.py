"""Which of Tesseract's languages a picture is in, where nobody said: it reads some lines in each script."""

from __future__ import annotations

from collections.abc import Sequence

from local.engines import tesseract
from local.engines.geometry import Crop
from local.engines.languages import script_of
from local.engines.lines import Mark

SURE = 0.97
"""Mean confidence from which RapidOCR's reading is believed; it is sure of much nonsense below."""

_SCRIPTS = {
    "eng": "LATIN",
    "rus": "CYRILLIC",
    "ell": "GREEK",
    "ara": "ARABIC",
    "heb": "HEBREW",
    "hin": "DEVANAGARI",
    "tha": "THAI",
    "kor": "HANGUL",
}
_LIKE = {
    **dict.fromkeys(("bel", "bul", "kaz", "kir", "mkd", "mon", "srp", "tgk", "ukr"), "CYRILLIC"),
    **dict.fromkeys(("fas", "pus", "uig", "urd"), "ARABIC"),
    **dict.fromkeys(("mar", "nep"), "DEVANAGARI"),
    "yid": "HEBREW",
}
_LETTERS = 0.9  # letters for each height of its box that a line has at least
_LINES, _TOLD_BY = 4, 2  # lines that are tried, and those that are read best
_LEAST = 0.7  # score of a language that is believed
_ENOUGH = 0.9  # score that no other language is tried after


def script_in(language: str) -> str | None:
    """The script that a language of Tesseract's is read in, where that is one of those tried."""
    return _SCRIPTS.get(language) or _LIKE.get(language)


def language_of(crops: Sequence[Crop], installed: frozenset[str]) -> str | None:
    """The language among one of each script that reads the longest lines best; None for none, or Latin.

    The score is the mean confidence of letters, none for those of another script or that are missing.
    """
    longest = sorted(crops, key=lambda crop: -crop.width / max(1, crop.height))[:_LINES]
    best, score = None, _LEAST
    for language, script in _SCRIPTS.items():
        if language not in installed or not longest:
            continue
        read = tesseract.read_lines([crop.pixels for crop in longest], language)
        scores = [_score(marks, crop, script) for marks, crop in zip(read, longest, strict=True)]
        # A line that nothing reads says nothing.
        told = sorted(scores, reverse=True)[:_TOLD_BY]
        found = sum(told) / len(told)
        if found > score:
            best, score = language, found
        if found > _ENOUGH:
            break
    return None if best == "eng" else best


def _score(marks: Sequence[Mark], crop: Crop, script: str) -> float:
    own = [mark.confidence for mark in marks if script_of(mark.text) == script and mark.text.isalpha()]
    letters = sum(mark.text.isalpha() for mark in marks)
    return sum(own) / max(2, letters, _LETTERS * crop.width / max(1, crop.height))
