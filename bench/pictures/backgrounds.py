"""What the text stands on: six kinds of ground, each random in colour and structure."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Random = np.random.Generator


def colour(rng: Random, low: float = 0.1, high: float = 0.95, saturation: float = 0.5) -> Floats:
    """A random RGB colour, 0-255, whose value lies between `low` and `high`."""
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.random() * saturation, rng.uniform(low, high))
    return np.array(rgb, np.float32) * 255


def smooth_noise(rng: Random, height: int, width: int, across: float, along: float = 0.0) -> Floats:
    """Noise of zero mean and unit deviation with features of `across` (and `along`) pixels."""
    along = along or across
    small = (max(2, round(height / across) + 2), max(2, round(width / along) + 2))
    field = rng.normal(size=small).astype(np.float32)
    large = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return (large - large.mean()) / max(1e-6, float(large.std()))


def flat(rng: Random, height: int, width: int) -> Floats:
    """One colour."""
    return np.tile(colour(rng), (height, width, 1))


def gradient(rng: Random, height: int, width: int) -> Floats:
    """From one colour to another, along a line or around a point."""
    first = colour(rng)
    second = np.clip(first + rng.uniform(-90, 90, 3), 0, 255)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    if rng.random() < 0.3:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        share = np.hypot(xs - x, ys - y) / np.hypot(width, height)
    else:
        turn = rng.uniform(0, 2 * np.pi)
        share = xs * np.cos(turn) + ys * np.sin(turn)
        share = (share - share.min()) / max(1e-6, float(np.ptp(share)))
    return (first + share[..., None] * (second - first)).astype(np.float32)


def paper(rng: Random, height: int, width: int) -> Floats:
    """Light paper: tint, slow stains, fibres and grain."""
    base = np.tile(np.array([240, 234, 220], np.float32) - rng.uniform(0, 40, 3), (height, width, 1))
    stains = smooth_noise(rng, height, width, 160) * rng.uniform(2, 5)
    fibres = smooth_noise(rng, height, width, 2, 12) + smooth_noise(rng, height, width, 12, 2)
    grain = rng.normal(size=(height, width)).astype(np.float32)
    return base + (stains + fibres * rng.uniform(0.8, 2) + grain * rng.uniform(1, 2.5))[..., None]


def wood(rng: Random, height: int, width: int) -> Floats:
    """Boards with grain that runs along them."""
    light = np.array([196, 150, 98], np.float32) * rng.uniform(0.45, 1.1)
    dark = light * rng.uniform(0.55, 0.8)
    bend = smooth_noise(rng, height, width, 90, 500) * 14
    ys = np.mgrid[0:height, 0:width][0].astype(np.float32)
    rings = 0.5 + 0.5 * np.sin((ys + bend) * 2 * np.pi / rng.uniform(14, 34))
    pores = smooth_noise(rng, height, width, 1.5, 45) * 0.12
    share = np.clip(0.6 * rings + pores + 0.2, 0, 1)[..., None]
    board = rng.uniform(110, 220)
    seam = (np.abs((ys % board) - board / 2) > board / 2 - 1.2)[..., None]
    picture = light * (1 - share) + dark * share
    return np.where(seam, picture * 0.5, picture).astype(np.float32)


def noise(rng: Random, height: int, width: int) -> Floats:
    """A photo's out-of-focus surface: soft shapes of light, and the sensor's noise."""
    base = np.tile(colour(rng, 0.25, 0.85, 0.4), (height, width, 1))
    for size in (260, 90):
        base += (
            smooth_noise(rng, height, width, size)[..., None] * rng.uniform(4, 14) * colour(rng, 0.5, 1) / 160
        )
    grain = rng.normal(size=(height, width, 3)).astype(np.float32) * rng.uniform(3, 9)
    return base + cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.4, 0.8)) * 1.6


def texture(rng: Random, height: int, width: int) -> Floats:
    """Something busy: bricks, weave, leaves or pebbles."""
    kind = rng.integers(4)
    base = colour(rng, 0.3, 0.85)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    step = rng.uniform(18, 46)
    if kind == 0:
        row = np.floor(ys / step)
        joint = (ys % step < 2.5) | ((xs + row * step) % (2 * step) < 2.5)
        tone = np.where(joint, -45, 0) + smooth_noise(rng, height, width, step) * 9
    elif kind == 1:
        tone = 16 * np.sign(np.sin(xs * 2 * np.pi / step) * np.sin(ys * 2 * np.pi / step))
    elif kind == 2:
        leaves = smooth_noise(rng, height, width, 9, 20) + smooth_noise(rng, height, width, 22, 8)
        tone = 22 * np.tanh(2 * leaves)
    else:
        tone = 30 * (smooth_noise(rng, height, width, step / 2) > 0) - 15.0
    fine = smooth_noise(rng, height, width, 2) * rng.uniform(3, 8)
    return (base + (tone + fine)[..., None]).astype(np.float32)


BACKGROUNDS: dict[str, Callable[[Random, int, int], Floats]] = {
    "flat": flat,
    "gradient": gradient,
    "paper": paper,
    "wood": wood,
    "noise": noise,
    "texture": texture,
}
