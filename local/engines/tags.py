"""BCP-47 language tags and the codes that engines use instead."""

from __future__ import annotations

import re

_THREE_LETTERS = {
    "afr": "af",
    "arg": "an",
    "ara": "ar",
    "ast": "ast",
    "bel": "be",
    "bre": "br",
    "bul": "bg",
    "cat": "ca",
    "ces": "cs",
    "cym": "cy",
    "dan": "da",
    "deu": "de",
    "ell": "el",
    "eng": "en",
    "epo": "eo",
    "eus": "eu",
    "fra": "fr",
    "gle": "ga",
    "glg": "gl",
    "hbs": "sh",
    "hin": "hi",
    "ind": "id",
    "isl": "is",
    "ita": "it",
    "kaz": "kk",
    "mkd": "mk",
    "mlt": "mt",
    "nld": "nl",
    "nno": "nn",
    "nob": "nb",
    "nor": "no",
    "oci": "oc",
    "pol": "pl",
    "por": "pt",
    "ron": "ro",
    "rus": "ru",
    "slv": "sl",
    "spa": "es",
    "srd": "sc",
    "swe": "sv",
    "tat": "tt",
    "tur": "tr",
    "ukr": "uk",
    "urd": "ur",
    "zlm": "ms",
}
_ALIASES = {"iw": "he", "in": "id", "tl": "fil", "jw": "jv", "mo": "ro"}


def two_letters(code: str) -> str:
    """The ISO 639-1 code where there is one, else the code itself."""
    return _THREE_LETTERS.get(code, code)


def primary(tag: str) -> str:
    """The primary language subtag of a BCP-47 tag in its usual short form: `pt` of `por-BR`."""
    first = re.split("[-_]", tag.strip().lower(), maxsplit=1)[0]
    return two_letters(_ALIASES.get(first, first))
