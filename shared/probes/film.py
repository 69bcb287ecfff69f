"""How long a film is, from the headers of MP4, M4A and QuickTime (ISO/IEC 14496-12), WebM and Matroska."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from shared.core.errors import UnsupportedMedia
from shared.probes.facts import Facts, UnreadableFile
from shared.probes.sound import believable

_CUT: Final = "The film is cut short or damaged."
_MAX_BOXES: Final = 100_000
_CONTAINERS: Final = {b"moov", b"mvex"}
# Element ids of RFC 9559, with the marker bits of their length.
_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_CLUSTER, _CLUSTER_TIME, _SIMPLE_BLOCK, _GROUP, _DOCTYPE = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0x4282
_BLOCK: Final = 0xA1
_CLUSTER_MARK: Final = b"\x1f\x43\xb6\x75"


def film_facts(data: bytes) -> Facts:
    """The duration of a film or of a recording in a film's container. Raises `UnreadableFile`."""
    try:
        media_type, seconds = _mp4(data) if data[4:8] == b"ftyp" else _matroska(data)
    except (struct.error, IndexError) as error:
        raise UnreadableFile(_CUT) from error
    return Facts("speech", media_type, seconds=believable(seconds))


def _mp4(data: bytes) -> tuple[str, float]:
    brand = data[8:12]
    if brand in {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}:
        raise UnsupportedMedia("The content is a picture in a film's container, of a kind that is not read.")
    media_type = {b"M4A ": "audio/mp4", b"qt  ": "video/quicktime"}.get(brand, "video/mp4")
    scale, length, fragments, track = 0, 0, 0, 0.0
    for name, start, _ in _boxes(data):
        if name == b"mvhd":
            wide = data[start] == 1
            scale, length = struct.unpack_from(">IQ" if wide else ">II", data, start + (20 if wide else 12))
            if length == (1 << (64 if wide else 32)) - 1:
                length = 0
        elif name == b"mehd":
            (fragments,) = struct.unpack_from(">Q" if data[start] == 1 else ">I", data, start + 4)
        elif name == b"sidx" and not track:
            track = _indexed(data, start)
    ticks = max(length, fragments)
    return media_type, ticks / scale if ticks and scale else track


def _indexed(data: bytes, start: int) -> float:
    """The seconds that a segment index adds up to."""
    (scale,) = struct.unpack_from(">I", data, start + 8)
    at = start + (28 if data[start] else 20)
    (count,) = struct.unpack_from(">H", data, at + 2)
    ticks: int = sum(struct.unpack_from(">I", data, at + 8 + 12 * i)[0] for i in range(count))
    return ticks / scale if scale else 0


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, content's start and end of each box, those inside of some containers included."""
    at, ends = 0, [len(data)]
    for _ in range(_MAX_BOXES):
        while ends and at + 8 > ends[-1]:
            at = ends.pop()
        if not ends:
            return
        (size,) = struct.unpack_from(">I", data, at)
        name, start = data[at + 4 : at + 8], at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = ends[-1] if size == 0 else at + size
        if end < start:
            raise UnreadableFile(_CUT)
        yield name, start, end
        if name in _CONTAINERS:
            ends.append(min(end, ends[-1]))
            at = start
        else:
            at = end


def _matroska(data: bytes) -> tuple[str, float]:
    media_type, scale, duration = "video/x-matroska", 1_000_000, 0.0
    for element, start, end in _elements(data, 0, len(data), {_SEGMENT, _INFO, 0x1A45DFA3}):
        content = data[start:end]
        if element == _DOCTYPE and content.rstrip(b"\x00") == b"webm":
            media_type = "video/webm"
        elif element == _SCALE:
            scale = int.from_bytes(content[:8], "big") or scale
        elif element == _DURATION:
            (duration,) = struct.unpack(">f" if len(content) == 4 else ">d", content)
        elif element == _CLUSTER:
            break
    return media_type, (duration or _last_time(data)) * scale / 1e9


def _last_time(data: bytes) -> float:
    """The time of the last block, where a live recorder wrote no duration."""
    at = data.rfind(_CLUSTER_MARK)
    if at < 0:
        return 0
    time, latest = 0, 0
    for element, start, end in _elements(data, at, len(data), {_CLUSTER, _GROUP}):
        if element == _CLUSTER_TIME:
            time = int.from_bytes(data[start : min(end, start + 8)], "big")
        elif element in {_SIMPLE_BLOCK, _BLOCK}:
            (relative,) = struct.unpack_from(">h", data, _number(data, start)[1])
            latest = max(latest, relative)
    return time + latest


def _elements(data: bytes, at: int, end: int, inside: set[int]) -> Iterator[tuple[int, int, int]]:
    """Id, content's start and end of each element; those named in `inside` are gone into."""
    for _ in range(_MAX_BOXES):
        if at + 2 > end:
            return
        element, start = _number(data, at, keep=True)
        size, start = _number(data, start)
        stop = end if size < 0 else min(start + size, end)
        yield element, start, stop
        at = start if element in inside else stop


def _number(data: bytes, at: int, *, keep: bool = False) -> tuple[int, int]:
    """A number of variable length (RFC 8794, 4) and where it ends; -1 for an unknown size.

    `keep` leaves its length's marker in it, as ids are written.
    """
    first = data[at]
    length = 9 - first.bit_length()
    if length > 8:
        raise UnreadableFile(_CUT)
    value = int.from_bytes(data[at : at + length], "big")
    if at + length > len(data):
        raise UnreadableFile(_CUT)
    bare = value & (1 << 7 * length) - 1
    if keep:
        return value, at + length
    return (-1 if bare == (1 << 7 * length) - 1 else bare), at + length
