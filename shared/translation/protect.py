"""Parts of a text that come through a translation unchanged: addresses, codes, and the caller's terms.

Cloud Translation leaves what stands in an element with `translate="no"` as it is, in HTML only
(cloud.google.com/translate/docs/supported-formats); plain text has no such mark. What it did is checked.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from shared.translation.keep import CODE, EMAIL, HANDLE, URL

_OPEN, _CLOSE = '<span translate="no">', "</span>"
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_TRAILING: Final = ".,;:!?)\"'»”"


def protected(text: str, terms: Iterable[str] = ()) -> list[tuple[int, int]]:
    """Where `text` must stay as it is: start and end of each part, in order, none over another.

    A term counts where it stands as a whole word, in any case of its letters; the longest wins.
    """
    found = [_trimmed(text, m.start(), m.end()) for pattern in (URL, EMAIL) for m in pattern.finditer(text)]
    found += [m.span() for term in sorted(terms, key=len, reverse=True) for m in _term(term).finditer(text)]
    found += [m.span() for pattern in (HANDLE, CODE) for m in pattern.finditer(text)]
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if start < end and all(end <= low or start >= high for low, high in kept):
            kept.append((start, end))
    return sorted(kept)


def marked(text: str, parts: Iterable[tuple[int, int]]) -> str:
    """The text as HTML in which the parts are marked as not to be translated."""
    out, at = [], 0
    for start, end in parts:
        out += [
            html.escape(text[at:start], quote=False),
            _OPEN,
            html.escape(text[start:end], quote=False),
            _CLOSE,
        ]
        at = end
    return "".join([*out, html.escape(text[at:], quote=False)])


def unmarked(answer: str) -> str:
    """The plain text of an answer in HTML."""
    return html.unescape(_TAG.sub("", answer))


def restored(text: str, wanted: Iterable[str]) -> str | None:
    """A translation with every wanted part in it, exactly; None when the engine lost one.

    A part that came back in other letters' cases or with other spaces is put right.
    """
    counts = Counter(wanted)
    for part, count in counts.items():
        if text.count(part) >= count:
            continue
        text = _loosely(part).sub(lambda _, part=part: part, text)  # type: ignore[misc]
        if text.count(part) < count:
            return None
    return text


def _term(term: str) -> re.Pattern[str]:
    words = " ".join(term.split())
    before = r"(?<!\w)" if words[:1].isalnum() and not _is_unspaced(words[0]) else ""
    after = r"(?!\w)" if words[-1:].isalnum() and not _is_unspaced(words[-1]) else ""
    return re.compile(before + r"\s+".join(map(re.escape, words.split())) + after, re.IGNORECASE)


def _loosely(part: str) -> re.Pattern[str]:
    characters = [re.escape(char) for char in part if not char.isspace()]
    return re.compile(r"\s*".join(characters), re.IGNORECASE)


def _is_unspaced(char: str) -> bool:
    """Whether words of the character's script stand together without spaces."""
    return "\u0e00" <= char <= "\u0eff" or "\u1780" <= char <= "\u17ff" or "\u3040" <= char <= "\u9fff"


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the sentence's punctuation, which an address could have but seldom does."""
    while end > start and text[end - 1] in _TRAILING:
        end -= 1
    return start, end
