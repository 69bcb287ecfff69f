"""Text made fit for Apertium and its output made fit for people: capitals, marks, Spanish punctuation."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

Translate = Callable[[str, str], str]
"""Takes a text and its form (`txt` or `html`) and gives the translation."""

_LETTER = re.compile(r"[^\W\d_]")
_LINES = re.compile(r"(\s*[\r\n]+\s*)")
_MARK = re.compile(r"(?<![\w*#@])[*#@](?=\w)")
_SENTENCE = re.compile(r"[^.!?…¿¡]+[.!?…]*|[¿¡][^.!?…]*[.!?…]*|[.!?…]+")
_TAG = re.compile(r"<[^<>]+>")
_HELD = re.compile(
    r"<(\w+)\b[^<>]*(?:\btranslate=[\"']?no\b|\bclass=[\"'][^\"'<>]*\bnotranslate\b)[^<>]*>.*?</\1>",
    re.DOTALL,
)
_PLACE = "<x-{}/>"


def plain(text: str, target: str, translate: Translate) -> str:
    """Translate each line of a text on its own; white space at the edges and between lines stays."""
    return "".join(_line(part, target, translate) for part in _LINES.split(text))


def marked_up(text: str, target: str, translate: Translate) -> str:
    """Translate HTML: tags stay, text comes back escaped as Google's service escapes it.

    A sentence with tags goes through in one piece when all its tags come back, else text node by text node.
    An element that is not to be translated comes back as it is.
    """
    held = [match[0] for match in _HELD.finditer(text)]
    if held:
        return _held_back(text, held, lambda rest: marked_up(rest, target, translate))
    tags = _TAG.findall(text)
    if not tags:
        return _escaped(plain(html.unescape(text), target, translate))
    whole = _line(_entities_resolved(text), target, lambda part, _: translate(part, "html"))
    if sorted(_TAG.findall(whole)) == sorted(tags):
        return _escaped_around_tags(whole)
    parts = re.split(f"({_TAG.pattern})", text)
    return "".join(
        part if i % 2 else _escaped(plain(html.unescape(part), target, translate))
        for i, part in enumerate(parts)
    )


def bare(text: str) -> str:
    """The words of HTML."""
    return html.unescape(_TAG.sub(" ", _HELD.sub(" ", text)))


def _held_back(text: str, held: list[str], convert: Callable[[str], str]) -> str:
    """Convert HTML with an empty tag in the place of each element that stays."""
    numbers = iter(range(len(held)))
    done = convert(_HELD.sub(lambda _: _PLACE.format(next(numbers)), text))
    for number, element in enumerate(held):
        done = done.replace(_PLACE.format(number), element)
    return done


def pseudo(text: str) -> str:
    """The text as a visibly false translation: accents on its letters, brackets around it."""
    core = text.strip()
    if not _LETTER.search(core):
        return text
    accented = core.translate(str.maketrans("aceinouyACEINOUY", "àçéîñöûýÀÇÉÎÑÖÛÝ"))
    return text.replace(core, f"⟦{accented}⟧", 1)


def pseudo_marked_up(text: str) -> str:
    """`pseudo` for HTML: each text node on its own, tags as they are."""
    held = [match[0] for match in _HELD.finditer(text)]
    if held:
        return _held_back(text, held, pseudo_marked_up)
    parts = re.split(f"({_TAG.pattern})", text)
    return "".join(p if i % 2 else _escaped(pseudo(html.unescape(p))) for i, p in enumerate(parts))


def _line(text: str, target: str, translate: Translate) -> str:
    core = text.strip()
    if not _LETTER.search(_TAG.sub("", core)):
        return text
    start = text.index(core)
    done = _cased(core, _without_marks(core, translate(core, "txt").strip()))
    if target == "es":
        done = _opened(done)
    return text[:start] + done + text[start + len(core) :]


def _without_marks(source: str, result: str) -> str:
    """Take off the marks of unknown and ungenerated words, except where the source has that mark itself."""
    kept = {source[m.start() : m.start() + 2].lower() for m in _MARK.finditer(source)}
    return _MARK.sub(lambda m: m[0] if result[m.start() : m.start() + 2].lower() in kept else "", result)


def _cased(source: str, result: str) -> str:
    letters = [c for c in _TAG.sub("", source) if c.isalpha()]
    if len(letters) > 1 and all(c.isupper() for c in letters):
        return "".join(p if i % 2 else p.upper() for i, p in enumerate(re.split(f"({_TAG.pattern})", result)))
    if letters[0].isupper():
        return _capital(result)
    return result


def _capital(text: str) -> str:
    """The first letter that is not in a tag as a capital."""
    for match in re.finditer(rf"{_TAG.pattern}|{_LETTER.pattern}", text):
        if not match[0].startswith("<"):
            return text[: match.start()] + match[0].upper() + text[match.end() :]
    return text


def _opened(text: str) -> str:
    """Give each Spanish question and exclamation the opening mark that Apertium drops."""
    return _SENTENCE.sub(_open_sentence, text)


def _open_sentence(match: re.Match[str]) -> str:
    sentence = match[0]
    mark = {"?": "¿", "!": "¡"}.get(sentence.rstrip()[-1:], "")
    letter = _LETTER.search(_TAG.sub(lambda tag: " " * len(tag[0]), sentence))
    if not mark or sentence.startswith(("¿", "¡")) or not letter:
        return sentence
    return sentence[: letter.start()] + mark + sentence[letter.start() :]


def _escaped(text: str) -> str:
    return html.escape(text, quote=True).replace("&#x27;", "&#39;")


def _escaped_around_tags(text: str) -> str:
    parts = re.split(f"({_TAG.pattern})", text)
    return "".join(p if i % 2 else _escaped(html.unescape(p)) for i, p in enumerate(parts))


def _entities_resolved(text: str) -> str:
    """Entities as characters, which Apertium's HTML reader mishandles; the three that mean markup stay."""
    parts = re.split(f"({_TAG.pattern})", text)
    return "".join(p if i % 2 else html.escape(html.unescape(p), quote=False) for i, p in enumerate(parts))
