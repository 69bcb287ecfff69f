"""Small real files of every kind that is measured, made here."""

from __future__ import annotations

import io
import struct
import wave
import zipfile

import pypdfium2
from PIL import Image

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello\nthere\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"


def picture(form: str = "PNG", pages: int = 1, size: tuple[int, int] = (20, 10)) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.new("RGB", size) for _ in range(pages))
    first.save(out, form, **({"save_all": True, "append_images": others} if others else {}))
    return out.getvalue()


def pdf(pages: int) -> bytes:
    document, out = pypdfium2.PdfDocument.new(), io.BytesIO()
    for _ in range(pages):
        document.new_page(100, 100)
    document.save(out)
    return out.getvalue()


def office(**parts: str) -> bytes:
    """A ZIP archive; `word__document` becomes `word/document.xml`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


def wav(seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(8000 * seconds) * 4))
    return out.getvalue()


def flac(samples: int, rate: int) -> bytes:
    packed = rate << 44 | 1 << 41 | 15 << 36 | samples
    return b"fLaC\x80\x00\x00\x22" + bytes(10) + struct.pack(">Q", packed) + bytes(16)


def ogg(head: bytes, *positions: int) -> bytes:
    """One stream: its first packet, then a page at each position in samples."""
    pages = [_ogg_page(2, 0, head)] + [_ogg_page(0, p, b"sound") for p in positions]
    return b"".join(pages)


def _ogg_page(flags: int, position: int, packet: bytes) -> bytes:
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, 7, 0, 0)
    return head + bytes([1, len(packet)]) + packet


OPUS = b"OpusHead\x01\x02" + struct.pack("<HIHB", 312, 44100, 0, 0)
VORBIS = b"\x01vorbis" + struct.pack("<IBI", 0, 2, 44100) + bytes(14)


def mp3(frames: int, tag: int = 0) -> bytes:
    """MPEG 1 Layer III, 128 kbit/s at 44,100 Hz: 417 bytes and 1,152 samples a frame."""
    size = bytes((tag >> shift) & 127 for shift in (21, 14, 7, 0))
    start = b"ID3\x04\x00\x00" + size + bytes(tag) if tag else b""
    return start + (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def mp4(seconds: float, brand: bytes = b"isom", version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 600, int(seconds * 600))
    moov = box(b"moov", box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80)))
    return box(b"ftyp", brand + bytes(4)) + box(b"mdat", bytes(50)) + moov


def element(name: int, content: bytes) -> bytes:
    length = (len(content) | 1 << 56).to_bytes(8, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + length + content


def webm(seconds: float, *, live: bool = False) -> bytes:
    """A film of WebM; a live one has no duration, only clusters with times."""
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    info = element(0x2AD7B1, (1_000_000).to_bytes(4, "big"))
    if not live:
        info += element(0x4489, struct.pack(">d", seconds * 1000))
    block = b"\x81" + struct.pack(">h", 400) + b"\x80sound"
    start = max(0, int(seconds * 1000 - 400)).to_bytes(4, "big")
    cluster = element(0x1F43B675, element(0xE7, start) + element(0xA3, block))
    return head + element(0x18538067, element(0x1549A966, info) + cluster)
