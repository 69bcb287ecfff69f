"""A file's facts from its content: the type by its first bytes, never by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.core.errors import UnsupportedMedia
from shared.probes.facts import Facts, UnreadableFile

_Probe = Callable[[bytes], Facts]


def measure(data: bytes) -> Facts:
    """Find out what `data` is and how much of it there is, within a few seconds and a bounded memory.

    Raises `UnsupportedMedia`, `UnreadableFile`, `TooMuchInside`, and for a picture `UnreadablePicture` or
    `TooManyPixels`.
    """
    if not data:
        raise UnreadableFile("The content is empty.")
    from shared.imaging.files.sniff import accepted_format

    if accepted_format(data) is not None and not _is_text_after_all(data):
        return _picture(data)
    for begins, probe in _SIGNATURES:
        if begins(data):
            return probe(data)
    from shared.probes.texts import text_facts

    return text_facts(data)


def _is_text_after_all(data: bytes) -> bool:
    """Whether only the two letters of a bitmap's signature speak for a picture."""
    return data.startswith(b"BM") and b"\x00" not in data[:54]


def _picture(data: bytes) -> Facts:
    from shared.imaging.files.decode import probe

    info = probe(data)
    pixels = max(width * height for width, height in info.sizes)
    return Facts("picture", info.media_type, pages=info.pages, pixels=pixels)


def _pdf(data: bytes) -> Facts:
    from shared.probes.pdf import pdf_facts

    return pdf_facts(data)


def _office(data: bytes) -> Facts:
    from shared.probes.office import office_facts

    return office_facts(data)


def _sound(data: bytes) -> Facts:
    from shared.probes.sound import sound_facts

    return sound_facts(data)


def _film(data: bytes) -> Facts:
    from shared.probes.film import film_facts

    return film_facts(data)


def _protected(data: bytes) -> Facts:
    raise UnsupportedMedia(
        "The content is an old Office file, or one with a password; save it as DOCX, PPTX or XLSX."
    )


def _mpeg_sound(data: bytes) -> bool:
    """A tag, or a frame's header; FF FE, which could be one of Layer I, is how UTF-16 begins."""
    second = data[1] if data[0] == 0xFF and len(data) > 3 else 0
    return data.startswith(b"ID3") or (second & 0xE0 == 0xE0 and second & 6 != 0 and second != 0xFE)


_SIGNATURES: Final[tuple[tuple[Callable[[bytes], bool], _Probe], ...]] = (
    (lambda data: b"%PDF-" in data[:1024], _pdf),
    (lambda data: data.startswith(b"PK\x03\x04"), _office),
    (lambda data: data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _protected),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WAVE", _sound),
    (lambda data: data.startswith((b"fLaC", b"OggS")), _sound),
    (lambda data: data[4:8] == b"ftyp" or data.startswith(b"\x1a\x45\xdf\xa3"), _film),
    (_mpeg_sound, _sound),
)
