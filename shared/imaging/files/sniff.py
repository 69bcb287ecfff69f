"""Media types by their first bytes: which of them are accepted, and what the others are called."""

from __future__ import annotations

ACCEPTED: dict[str, str] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
"""Pillow's name of each format that is accepted, and its media type."""

_PICTURES: list[tuple[str, int, bytes]] = [
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("WEBP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("TIFF", 0, b"II+\x00"),
    ("TIFF", 0, b"MM\x00+"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("BMP", 0, b"BM"),
]

_OTHERS: list[tuple[str, int, bytes]] = [
    ("a PDF document", 0, b"%PDF-"),
    ("a ZIP archive or an Office document", 0, b"PK\x03\x04"),
    ("a HEIC picture", 4, b"ftypheic"),
    ("a HEIC picture", 4, b"ftypheix"),
    ("a HEIC picture", 4, b"ftypmif1"),
    ("an MP4 or QuickTime film", 4, b"ftyp"),
    ("a Photoshop document", 0, b"8BPS"),
    ("an icon", 0, b"\x00\x00\x01\x00"),
    ("a JPEG 2000 picture", 0, b"\x00\x00\x00\x0cjP"),
    ("a JPEG XL picture", 0, b"\xff\x0a"),
    ("a gzip archive", 0, b"\x1f\x8b"),
    ("a WAV sound", 8, b"WAVE"),
    ("an MP3 sound", 0, b"ID3"),
    ("an Ogg sound", 0, b"OggS"),
    ("a FLAC sound", 0, b"fLaC"),
    ("a Matroska or WebM film", 0, b"\x1a\x45\xdf\xa3"),
    ("a program", 0, b"\x7fELF"),
    ("a program", 0, b"MZ"),
]


def accepted_format(data: bytes) -> str | None:
    """Pillow's name of the accepted format that `data` starts like, or None."""
    if _is_avif(data):
        return "AVIF"
    return next((name for name, at, magic in _PICTURES if data[at : at + len(magic)] == magic), None)


def _is_avif(data: bytes) -> bool:
    """Whether the file type box (ISO 14496-12, 4.3) names AVIF, as its brand or as a compatible one."""
    if data[4:8] != b"ftyp":
        return False
    box = data[8 : min(int.from_bytes(data[:4]), 256)]
    brands = {box[i : i + 4] for i in (0, *range(8, len(box), 4))}
    return not brands.isdisjoint({b"avif", b"avis"})


def is_lossless_webp(data: bytes) -> bool:
    """Whether a WebP's first frame is coded without loss (WebP container specification, extended format).

    Before it may stand a profile of any length, and the header of an animation.
    """
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in {b"VP8 ", b"VP8L"}:
            return name == b"VP8L"
        # The chunks of a frame follow its place, size and duration.
        at += 24 if name == b"ANMF" else 8 + length + length % 2
    return False


def known_as(data: bytes) -> str | None:
    """What `data` is, in words with an article, where it starts like something known."""
    for name, at, magic in _OTHERS:
        if data[at : at + len(magic)] == magic:
            return name
    head = data[:1024].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    try:
        data[:512].decode()
    except UnicodeDecodeError as error:
        if error.start < len(data[:512]) - 4:
            return None
    return None if b"\x00" in head else "plain text"
