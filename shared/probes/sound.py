"""How long a recording is, from the headers of WAV, FLAC, Ogg (Opus, Vorbis, Speex) and MPEG audio."""

from __future__ import annotations

import math
import struct
from typing import Final

from shared.probes.facts import Facts, UnreadableFile

MAX_SECONDS: Final = 24 * 3600
"""Longest recording that is believed."""

_CUT: Final = "The recording is cut short or damaged."
_BEGINNINGS: Final = 8
_LAST_PAGES: Final = 64
_OPUS_RATE: Final = 48000
# What a stream's first packet begins with, and where its rate stands in it.
_OGG_MARKS: Final = ((b"\x01vorbis", 12, "<I"), (b"Speex   ", 36, "<I"), (b"\x7fFLAC", 27, ">I"))
# Kilobits a second by version (1, or 2 and 2.5) and layer (1, 2, 3), then samples a second by version:
# ISO/IEC 11172-3 2.4.2.3 and 13818-3.
_BITRATES: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def sound_facts(data: bytes) -> Facts:
    """The duration of a recording. Raises `UnreadableFile`."""
    try:
        media_type, seconds = _measured(data)
    except (struct.error, IndexError) as error:
        raise UnreadableFile(_CUT) from error
    return Facts("speech", media_type, seconds=believable(seconds))


def believable(seconds: float) -> float:
    """The duration, unless it is none or longer than a day."""
    if not math.isfinite(seconds) or seconds <= 0:
        raise UnreadableFile("The recording does not say how long it is, or holds no sound.")
    if seconds > MAX_SECONDS:
        raise UnreadableFile("The recording says that it is longer than a day.")
    return seconds


def _measured(data: bytes) -> tuple[str, float]:
    if data.startswith(b"RIFF"):
        return "audio/wav", _wav(data)
    if data.startswith(b"OggS"):
        return "audio/ogg", _ogg(data)
    start = _behind_id3(data)
    if data.startswith(b"fLaC", start):
        return "audio/flac", _flac(data, start)
    return "audio/mpeg", _mpeg(data, start)


def _wav(data: bytes) -> float:
    at, bytes_a_second = 12, 0
    while at + 8 <= len(data):
        name, (size,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        if name == b"fmt ":
            (bytes_a_second,) = struct.unpack_from("<I", data, at + 16)
        elif name == b"data":
            # A stream that did not know its length says zero or the most there can be.
            held = len(data) - at - 8
            return (min(size, held) or held) / bytes_a_second if bytes_a_second else 0
        at += 8 + size + size % 2
    raise UnreadableFile(_CUT)


def _flac(data: bytes, start: int) -> float:
    """STREAMINFO: 20 bits of rate, 3 of channels, 5 of sample size, 36 of samples (RFC 9639, 8.2)."""
    (packed,) = struct.unpack_from(">Q", data, start + 18)
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return samples / rate if rate else 0


def _ogg(data: bytes) -> float:
    """The last position of the sound's stream, over its rate (RFC 3533; RFC 7845 for Opus)."""
    stream, rate, skipped = _ogg_sound(data)
    at = len(data)
    for _ in range(_LAST_PAGES):
        at = data.rfind(b"OggS", 0, at)
        if at < 0:
            break
        if at + 27 > len(data):
            continue
        position, serial = struct.unpack_from("<qI", data, at + 6)
        if serial == stream and position >= 0:
            return float(position - skipped) / rate
    raise UnreadableFile(_CUT)


def _ogg_sound(data: bytes) -> tuple[int, int, int]:
    """Serial number, rate and skipped samples of the first stream of sound."""
    at = 0
    for _ in range(_BEGINNINGS):
        if data[at : at + 4] != b"OggS" or not data[at + 5] & 2:
            break
        (serial,) = struct.unpack_from("<I", data, at + 14)
        lengths = data[at + 27 : at + 27 + data[at + 26]]
        packet = at + 27 + len(lengths)
        if data.startswith(b"OpusHead", packet):
            return serial, _OPUS_RATE, *struct.unpack_from("<H", data, packet + 10)
        for mark, offset, form in _OGG_MARKS:
            if data.startswith(mark, packet):
                (rate,) = struct.unpack_from(form, data, packet + offset)
                rate = rate >> 12 if form == ">I" else rate
                if rate:
                    return serial, rate, 0
        at = packet + sum(lengths)
    raise UnreadableFile("The Ogg file holds no sound of Opus, Vorbis, Speex or FLAC.")


def _behind_id3(data: bytes) -> int:
    """Where the sound begins behind ID3v2 tags, whose sizes have seven bits a byte."""
    at = 0
    while data.startswith(b"ID3", at) and at + 10 <= len(data):
        first, second, third, fourth = (byte & 127 for byte in data[at + 6 : at + 10])
        at += 10 + (first << 21 | second << 14 | third << 7 | fourth)
    return at


def _mpeg(data: bytes, start: int) -> float:
    """The sum over all frames: what a header says of the whole is not needed, nor believed."""
    at, seconds, misses = start, 0.0, 0
    while at + 4 <= len(data):
        frame = _frame(data, at)
        if frame is None:
            misses += 1
            at = data.find(b"\xff", at + 1)
            if at < 0 or misses > len(data) // 64 + 1024:
                break
            continue
        size, length = frame
        seconds += length
        at += size
    return seconds


def _frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Bytes and seconds of the frame that begins here, if one does."""
    (head,) = struct.unpack_from(">I", data, at)
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    bitrate, rate, padding = head >> 12 & 15, head >> 10 & 3, head >> 9 & 1
    if head >> 21 != 0x7FF or version == 1 or layer == 4 or bitrate in {0, 15} or rate == 3:
        return None
    bits = _BITRATES[1 if version == 3 else 2, layer][bitrate] * 1000
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    hertz = _RATES[version][rate]
    slot = 4 if layer == 1 else 1
    return (samples // 8 // slot * bits // hertz + padding) * slot, samples / hertz
