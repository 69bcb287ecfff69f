"""Lines of a paragraph as one text: words divided at a line's end closed again, compounds left alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from shared.imaging.typesetting.scripts import runs_on

SOFT_HYPHEN = "\u00ad"
_HYPHENS = "-\u2010\u2011" + SOFT_HYPHEN
_MAQAF = "\u05be"
_LAST = re.compile(r"[^\s]+$")
_FIRST = re.compile(r"^\S+")
_EDGES = "()[]{}«»„“”‚‘’\"'.,;:!?"

_PREFIXES = re.compile(
    r"self|non|well|ex|all|half|cross|mid|part|quasi|state|high|low|long|short|two|three|four|five|first|second"
    r"|third|so|peut|celui|celle|ceux|grand|petit|demi|mi|semi|avant|arrière|après|vice|sous|outre|contre|lui"
    r"|elle|là|ci|au|par|vis|nord|sud|est|ouest|afro|anglo|franco|ibero",
    re.IGNORECASE,
)
"""First parts of compounds that keep their hyphen in English, French and the languages that borrow them."""

_AND_OR = re.compile(
    r"and|or|to|und|oder|bzw|sowie|bis|en|of|et|ou|y|e|o|u|ed|od|och|eller|og|i|ili|lub|oraz|и|или|ja|tai",
    re.IGNORECASE,
)
"""What follows the hyphen of a shortened compound, as in "pre- and post-war" or "Vor- und Nachteile"."""


def joined(texts: Sequence[str], compounds: Collection[str] = ()) -> str:
    """The lines `texts` as one text, with spaces where the script has them.

    A hyphen that ends a line before a small letter divides a word and goes, unless the word it stands in
    keeps one: after a digit, a single letter or a part that compounds begin with, in a word with another
    hyphen, or where `compounds` (lower case, as "well-known") holds the whole. A soft hyphen always goes.
    """
    text = texts[0]
    for following in texts[1:]:
        text = _closed(text, following, compounds)
    return text.removesuffix(SOFT_HYPHEN)


def compounds_in(texts: Sequence[str]) -> frozenset[str]:
    """The words with an inner hyphen that the texts show whole, in lower case."""
    words = (word.strip(_EDGES).lower() for text in texts for word in text.split())
    return frozenset(word for word in words if re.fullmatch(r"\w+(-\w+)+", word))


def _closed(text: str, following: str, compounds: Collection[str]) -> str:
    if text.endswith(SOFT_HYPHEN):
        return text[:-1] + following
    if text.endswith(_MAQAF):
        return text + following
    if len(text) > 1 and text[-1] in _HYPHENS and text[-2].isalnum() and following[:1].isalnum():
        return _hyphenated(text, following, compounds)
    if runs_on(text[-3:]) and runs_on(following[:3]):
        return text + following
    return f"{text} {following}"


def _hyphenated(text: str, following: str, compounds: Collection[str]) -> str:
    first, second = _LAST.findall(text)[0].strip(_EDGES), _FIRST.findall(following)[0].strip(_EDGES)
    if _AND_OR.fullmatch(second):
        return f"{text} {following}"
    part = first[:-1]
    same_case = second[:1].islower() or (part.isupper() and second.isupper() and len(second) > 1)
    keeps = (
        not same_case
        or len(part) < 2
        or not part.isalpha()
        or _PREFIXES.fullmatch(part)
        or f"{part}-{second}".lower() in compounds
    )
    return text + following if keeps else text[:-1] + following
