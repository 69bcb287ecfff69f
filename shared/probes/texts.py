"""The characters of text files: plain text, Markdown, CSV, HTML, SRT, WebVTT, JSON and PO string files."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from shared.core.errors import UnsupportedMedia
from shared.probes.facts import Facts, TooMuchInside, UnreadableFile

MAX_TEXT_BYTES: Final = 5 * 1024 * 1024
"""Largest text file: reading one as JSON takes up to some twenty times as much memory."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_TIMING: Final = re.compile(r"(\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3} +--> ")
_FIRST_CUE: Final = re.compile(r"\s*\d+\s*\n\d{1,4}:\d{1,2}:\d{2}[.,]\d{1,3} +--> ")
_PO: Final = re.compile(r"^msgid +\"", re.MULTILINE)
_PO_START: Final = re.compile(r"(msgid|msgid_plural|msgstr(\[\d+\])?|msgctxt) +(?=\")")
_HTML: Final = ("<!doctype html", "<html", "<?xml")
_SILENT: Final = ("script", "style")


def text_facts(data: bytes) -> Facts:
    """Count the code points that would be translated. Raises `UnsupportedMedia`, `UnreadableFile`,
    `TooMuchInside`.
    """
    text = _decoded(data)
    if text.count("\n") + 1 > MAX_TEXT_BYTES // 2:
        raise UnreadableFile("The text is nothing but line ends.")
    for media_type, is_one, count in _KINDS:
        if is_one(text):
            return Facts("document", media_type, characters=count(text))
    return Facts("document", "text/plain", characters=len(text))


def _decoded(data: bytes) -> str:
    if len(data) > MAX_TEXT_BYTES:
        _refuse_unless_text(data[:4096])
        limit = MAX_TEXT_BYTES // (1024 * 1024)
        raise TooMuchInside(f"The text file has {len(data)} bytes; text files may have up to {limit} MiB.")
    mark, encoding = next((each for each in _MARKS if data.startswith(each[0])), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        _refuse_unless_text(data[:4096])
        raise UnreadableFile("The text is neither UTF-8 nor UTF-16 with its mark.") from None
    if "\x00" in text:
        raise UnsupportedMedia(_UNKNOWN)
    if not text.strip():
        raise UnreadableFile("The content holds no text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


_UNKNOWN: Final = "The content is of no type that is known here."


def _refuse_unless_text(head: bytes) -> None:
    from shared.imaging.files.sniff import known_as

    what = known_as(head)
    if b"\x00" in head or what not in {None, "plain text", "an HTML page"}:
        raise UnsupportedMedia(f"The content is {what}." if what else _UNKNOWN)
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            raise UnsupportedMedia(_UNKNOWN) from None


def _cues(text: str) -> int:
    """Code points of subtitles: what follows the timing line of each block."""
    total, inside = 0, False
    for line in text.split("\n"):
        if _TIMING.match(line):
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            total += len(line)
    return total


def _strings(text: str) -> int:
    """Code points of all strings of a JSON text but its keys."""
    total, stack = 0, [_loaded(text)]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return total


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableFile("The content begins as JSON but is not.") from None


def _is_json(text: str) -> bool:
    """Whether it can only be JSON: brackets around it, and what may stand behind the first of them."""
    body = text.strip()
    ends = body[:1] + body[-1:]
    second = body[1:64].lstrip()[:1]
    return (ends == "{}" and second in {'"', "}"}) or (ends == "[]" and second in set('"{[]-0123456789tfn'))


def _messages(text: str) -> int:
    """Code points of the messages of a PO file, as they are written there."""
    total, counting = 0, False
    for line in text.split("\n"):
        start = _PO_START.match(line)
        if start:
            counting = start[1] in {"msgid", "msgid_plural"}
            line = line[start.end() :]
        if counting and line.startswith('"') and line.rstrip().endswith('"'):
            total += max(0, len(line.rstrip()) - 2)
    return total


def _page(text: str) -> int:
    """Code points of an HTML page's text, with entities as the characters they stand for."""
    return sum(len(html.unescape(run)) for run in _runs(text) if run.strip())


def _runs(text: str) -> Iterator[str]:
    """The runs of text between tags; scripts, styles and comments are left out. One pass, never back."""
    lower, at = text.lower() if len(text.lower()) == len(text) else text, 0
    while at < len(text):
        tag = text.find("<", at)
        yield text[at : tag if tag >= 0 else len(text)]
        if tag < 0:
            return
        end = "-->" if text.startswith("<!--", tag) else ">"
        silent = next((s for s in _SILENT if lower.startswith(f"<{s}", tag)), None)
        if silent is not None:
            end = f"</{silent}"
        close = lower.find(end, tag + 1)
        if close < 0:
            return
        at = close + (0 if silent is not None else len(end))


_Kind = tuple[str, Callable[[str], bool], Callable[[str], int]]
_KINDS: Final[tuple[_Kind, ...]] = (
    ("text/vtt", lambda text: text.startswith("WEBVTT"), _cues),
    ("application/x-subrip", lambda text: _FIRST_CUE.match(text[:200]) is not None, _cues),
    ("application/json", _is_json, _strings),
    ("text/x-gettext-translation", lambda text: _PO.search(text[:65536]) is not None, _messages),
    ("text/html", lambda text: text[:1024].lstrip().lower().startswith(_HTML), _page),
)
