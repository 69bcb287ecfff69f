"""What a drawn design needs to look like a photo: grounds, perspective, and a camera. All by seed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.uint8]
Floats = NDArray[np.float32]
Size = tuple[int, int]

SIZE = (1600, 1200)


def clouds(rng: Any, width: int, height: int, grain: int, octaves: int = 5, stretch: float = 1) -> Floats:
    """Smooth noise of mean 0 and standard deviation 1: white noise of several sizes, added."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1, grain >> octave)
        shape = (max(2, height // cell), max(2, int(width / (cell * stretch))))
        layer = rng.standard_normal(shape).astype(np.float32)
        total += cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) / (1.6**octave)
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def paper(width: int, height: int, seed: int) -> Canvas:
    """Paper that is not quite even."""
    rng = np.random.default_rng(seed)
    shade = clouds(rng, width, height, 256) * 2.0 + clouds(rng, width, height, 4, 2) * 1.6
    base = np.array([243, 237, 222], np.float32)
    return np.clip(base + shade[..., None], 0, 255).astype(np.uint8)


def plaster(seed: int, size: Size = SIZE) -> Floats:
    """A rough wall of warm grey."""
    rng = np.random.default_rng(seed)
    width, height = size
    relief = clouds(rng, width, height, 64, 6)
    light = cv2.Sobel(cv2.GaussianBlur(relief, (0, 0), 1.2), cv2.CV_32F, 1, 1, ksize=3) * 9
    shade = clouds(rng, width, height, 512, 3) * 5 + light
    return np.asarray(np.array([196, 186, 170], np.float32) + shade[..., None], dtype=np.float32)


def bricks(seed: int, size: Size = SIZE) -> Floats:
    """A brick wall."""
    rng = np.random.default_rng(seed)
    width, height = size
    wall = np.broadcast_to(np.array([172, 164, 152], np.float32), (height, width, 3)).copy()
    wall += (clouds(rng, width, height, 8, 4) * 7)[..., None]
    brick, course, joint = 190, 64, 9
    for row in range(-1, height // course + 1):
        for column in range(-1, width // brick + 2):
            x = column * brick + (row % 2) * brick // 2 + int(rng.integers(-3, 4))
            y = row * course + int(rng.integers(-2, 3))
            tone = np.array([138, 82, 66], np.float32) * rng.uniform(0.82, 1.15) + rng.normal(0, 4, 3)
            x0, y0, x1, y1 = (
                max(0, x),
                max(0, y),
                min(width, x + brick - joint),
                min(height, y + course - joint),
            )
            if x1 > x0 and y1 > y0:
                wall[y0:y1, x0:x1] = tone
                wall[y0 : y0 + 3, x0:x1] *= 1.12
                wall[max(y0, y1 - 4) : y1, x0:x1] *= 0.8
    wall += (clouds(rng, width, height, 16, 5) * 8)[..., None]
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 2.2), dtype=np.float32)


def wood(seed: int, size: Size = SIZE) -> Floats:
    """Planks of brown wood."""
    rng = np.random.default_rng(seed)
    width, height = size
    grain = clouds(rng, width, height, 24, 5, stretch=24)
    rings = np.sin(grain * 2.2 + np.linspace(0, 46, height, dtype=np.float32)[:, None]) * 7
    shade = grain * 10 + rings
    for i, y in enumerate(range(0, height, 200)):
        shade[y : y + 200] += float(rng.normal(0, 7))
        if i:
            shade[y - 2 : y + 2] -= 48
    tint = np.array([1.0, 0.82, 0.6], np.float32)
    return np.asarray(np.array([136, 96, 62], np.float32) + shade[..., None] * tint, dtype=np.float32)


def placed(ground: Floats, design: Canvas, quad: list[tuple[int, int]], shadow: tuple[int, int]) -> Floats:
    """Lay a flat design onto the ground in perspective, with a soft shadow at an offset."""
    height, width = ground.shape[:2]
    rows, columns = design.shape[:2]
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, np.array(quad, np.float32) * 2)
    big = cv2.warpPerspective(design, matrix, (width * 2, height * 2), flags=cv2.INTER_CUBIC)
    solid = np.full((rows, columns), 255, np.uint8)
    cover = cv2.warpPerspective(solid, matrix, (width * 2, height * 2), flags=cv2.INTER_LINEAR)
    laid = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    seen = cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = (seen / 255)[..., None]
    cast = cv2.GaussianBlur(np.roll(alpha[..., 0], shadow[::-1], (0, 1)), (0, 0), 14)[..., None]
    shaded = ground * (1 - 0.55 * cast)
    return np.asarray(shaded * (1 - alpha) + np.minimum(laid, 250) * alpha, dtype=np.float32)


def photographed(picture: Floats, seed: int, light: tuple[float, float], blur: float, noise: float) -> Canvas:
    """What a camera makes of it: uneven light, vignette, lens blur, noise that grows with brightness."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    level = (1 + light[0] * x * 0.5 + light[1] * y * 0.5) * (1 - 0.13 * (x**2 + y**2))
    level += clouds(rng, width, height, 512, 2) * 0.018
    warmth = np.array([1.02, 1.0, 0.955], np.float32)
    lit = cv2.GaussianBlur(picture * level[..., None] * warmth, (0, 0), blur)
    sensor = rng.standard_normal((height, width, 3)).astype(np.float32)
    sensor = cv2.GaussianBlur(sensor, (0, 0), 0.6) * 1.9
    lit += sensor * noise * (0.55 + 0.45 * np.sqrt(np.clip(lit, 0, 255) / 255))
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
