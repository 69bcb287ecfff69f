"""The characters of Office Open XML files (ECMA-376): DOCX, PPTX, XLSX.

Nothing is unpacked as a whole: the parts that hold text are streamed through expat up to a limit, so a file
that unpacks to gigabytes costs no more than one that is at the limit.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import Final
from xml.parsers import expat

from shared.core.errors import UnsupportedMedia
from shared.probes.facts import Facts, TooMuchInside, UnreadableFile

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""Bytes of text parts that are unpacked at most."""

MAX_DIRECTORY: Final = 1024 * 1024
"""Bytes of a ZIP archive's directory at most: some ten thousand names."""

MAX_ELEMENTS: Final = 4_000_000
"""XML elements of text parts that are read at most."""

_CHUNK: Final = 65536
_TYPES: Final = "application/vnd.openxmlformats-officedocument."
_KINDS: Final = (
    (
        "word/document.xml",
        _TYPES + "wordprocessingml.document",
        re.compile(r"word/(document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml"),
    ),
    (
        "ppt/presentation.xml",
        _TYPES + "presentationml.presentation",
        re.compile(r"ppt/(slides/slide|notesSlides/notesSlide)\d+\.xml"),
    ),
    (
        "xl/workbook.xml",
        _TYPES + "spreadsheetml.sheet",
        re.compile(r"xl/(sharedStrings|worksheets/sheet\d+)\.xml"),
    ),
)
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    struct.error,
)


def office_facts(data: bytes) -> Facts:
    """Count the code points of all text. Raises `UnreadableFile`, `TooMuchInside`, `UnsupportedMedia`."""
    _refuse_large_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            for mark, media_type, parts in _KINDS:
                if mark in names:
                    wanted = [each for each in archive.infolist() if parts.fullmatch(each.filename)]
                    return Facts("document", media_type, characters=_count(archive, wanted))
    except _BROKEN as error:
        raise UnreadableFile("The Office document is damaged.") from error
    raise UnsupportedMedia("The content is a ZIP archive, and none of DOCX, PPTX or XLSX.")


def _refuse_large_directory(data: bytes) -> None:
    """Refuse a directory that would fill the memory, before it is read. Layout: APPNOTE.TXT 4.3.16."""
    at = len(data) - 22
    if data[at : at + 4] != b"PK\x05\x06" or data[-2:] != b"\x00\x00":
        at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65557))
    if at < 0 or len(data) < at + 22:
        raise UnreadableFile("The Office document is damaged: its archive has no directory.")
    (size,) = struct.unpack_from("<I", data, at + 12)
    if size > MAX_DIRECTORY or data[max(0, at - 20) :][:4] == b"PK\x06\x07":
        raise TooMuchInside("The Office document's archive lists too many files.")


def _count(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> int:
    counter, left = _TextCounter(), MAX_UNPACKED
    for part in parts:
        if part.flag_bits & 1:
            raise UnreadableFile("The Office document is protected with a password.")
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    limit = MAX_UNPACKED // (1024 * 1024)
                    raise TooMuchInside(f"The Office document unpacks to more than {limit} MiB of text.")
                counter.feed(chunk)
        counter.close()
    return counter.characters


class _TextCounter:
    """Counts the code points inside of elements named `t`, whatever their namespace."""

    def __init__(self) -> None:
        self.characters = 0
        self._inside = 0
        self._elements = 0
        self._parser = self._fresh()

    def _fresh(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        return parser

    def feed(self, chunk: bytes) -> None:
        self._parser.Parse(chunk, False)

    def close(self) -> None:
        """One part has ended; another may follow."""
        self._parser.Parse(b"", True)
        self._parser = self._fresh()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise TooMuchInside("The Office document holds too many elements.")
        self._inside += name == "t" or name.endswith(":t")

    def _end(self, name: str) -> None:
        self._inside -= name == "t" or name.endswith(":t")

    def _text(self, text: str) -> None:
        if self._inside:
            self.characters += len(text)

    def _refuse(self, *declaration: object) -> None:
        raise UnreadableFile("The Office document declares a document type, which none of them may.")
