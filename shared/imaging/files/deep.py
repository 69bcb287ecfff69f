"""Pictures of 16 bits a sample: worked on in 8 bits, but what is not changed keeps its depth."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.imaging.files.colour import BROKEN
from shared.imaging.pixels import Pixels

Samples = NDArray[np.uint16]

MAX_DEEP_PIXELS = 30_000_000
"""Larger pictures come back in 8 bits: their samples alone would fill a function's memory."""

_STEP = 257  # 65535 / 255


@dataclass(frozen=True)
class Deep:
    """Upright samples, height x width x 1 (grey), 3 (RGB) or 4 (RGB and alpha, also of grey with alpha)."""

    samples: Samples

    @property
    def grey(self) -> bool:
        """Whether there is one channel."""
        return bool(self.samples.shape[2] == 1)

    def rgb(self) -> Pixels:
        """The colour in 8 bits, always three channels."""
        colour = _reduced(self.samples[..., :3])
        return np.repeat(colour, 3, axis=2) if self.grey else colour

    def alpha(self) -> Pixels | None:
        """The opacity in 8 bits; None where all is opaque."""
        if self.samples.shape[2] != 4:
            return None
        alpha = _reduced(self.samples[..., 3])
        return None if alpha.min() == 255 else alpha

    def keeps(self, icc: bytes | None) -> bool:
        """Whether the profile speaks of these channels."""
        return icc is not None and icc[16:20] == (b"GRAY" if self.grey else b"RGB ")

    def changed(self, rgb: Pixels, alpha: Pixels | None) -> Samples:
        """Samples that are the picture's own where `rgb` and `alpha` are, and else theirs.

        One channel stays one channel only while what is new is grey.
        """
        samples = self.samples
        if self.grey:
            if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]):
                rgb = rgb[..., :1]
            else:
                samples = np.repeat(samples, 3, axis=2)
        result = samples.copy()
        new = (rgb != _reduced(samples[..., : rgb.shape[2]])).any(axis=2)
        result[new, : rgb.shape[2]] = rgb[new].astype(np.uint16) * _STEP
        if alpha is not None and samples.shape[2] == 4:
            new = alpha != _reduced(samples[..., 3])
            result[new, 3] = alpha[new].astype(np.uint16) * _STEP
        return result


def deep_samples(image: Image.Image, data: bytes, orientation: int) -> Deep | None:
    """The samples of a PNG or TIFF of 16 bits in their full depth; None where 8 bits say it all.

    A TIFF with a profile or an orientation is read in 8 bits, because OpenCV, which reads and writes the
    samples, knows neither.
    """
    if image.width * image.height > MAX_DEEP_PIXELS or not _is_deep(image, data, orientation):
        return None
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, *BROKEN):
        return None
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != (image.height, image.width):
        return None
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    shaped = np.asarray(samples, dtype=np.uint16).reshape(*samples.shape[:2], channels)
    if channels >= 3:
        shaped = shaped[..., [2, 1, 0, 3][:channels]]
    return Deep(np.ascontiguousarray(_turned(shaped, orientation)))


def encoded(samples: Samples, media_type: str, icc: bytes | None) -> bytes:
    """A PNG or TIFF of 16 bits; a profile goes into the PNG."""
    order = samples if samples.shape[2] == 1 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    _, data = cv2.imencode(".png" if media_type == "image/png" else ".tiff", order)
    found = data.tobytes()
    return _with_profile(found, icc) if icc and media_type == "image/png" else found


def _is_deep(image: Image.Image, data: bytes, orientation: int) -> bool:
    if image.format == "PNG":
        depth, colour = data[24], data[25]
        return depth == 16 and colour in {0, 2, 4, 6} and "transparency" not in image.info
    if image.format != "TIFF" or orientation != 1 or image.info.get("icc_profile"):
        return False
    tags = getattr(image, "tag_v2", {})
    unsigned = set(tags.get(339, (1,))) == {1}
    return unsigned and set(tags.get(258, (1,))) == {16} and tags.get(262) in {1, 2}


def _reduced(samples: Samples) -> Pixels:
    """Rounded to 8 bits without an intermediate of floating point."""
    return ((samples.astype(np.uint32) + _STEP // 2) // _STEP).astype(np.uint8)


def _turned(samples: Samples, orientation: int) -> Samples:
    """Upright by EXIF's number for the orientation (TIFF 6.0, tag 274)."""
    if orientation in {5, 6, 7, 8}:
        samples = samples.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        samples = samples[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        samples = samples[::-1]
    return samples


def _with_profile(png: bytes, icc: bytes) -> bytes:
    """The PNG with an iCCP chunk behind its header (PNG specification, 11.3.3.3)."""
    body = b"icc\x00\x00" + zlib.compress(icc)
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    return png[:33] + chunk + png[33:]
