"""Take text out of a picture, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from shared.imaging.erase.grain import along_grain
from shared.imaging.erase.infill import grain, interpolated
from shared.imaging.erase.repeat import by_repeats
from shared.imaging.frame import filled, grown
from shared.imaging.ink.attached import dilated
from shared.imaging.ink.region import Region, neighbours, reaches_of, region_of, together
from shared.imaging.ink.samples import of, of_parts, parts_of, put
from shared.imaging.ink.separate import Ground, Ink, separate
from shared.imaging.ink.softness import softness
from shared.imaging.pixels import Mask, Pixels
from shared.imaging.typesetting.decoration import beside
from shared.scenes.schemas import Block

_GRAINLESS, _GRAINY = 2.0, 3.5  # noise of a ground, in CIELAB: without any grain to be seen, surely with
_CLEAN = 0.7  # noise of a ground that shows no grain at all
_CODING_BLOCK = 8  # pixels: how far JPEG spreads what a stroke changes
_FAINT = 6.0  # of 255: less than that is no thing of its own
_RGB_OF_LAB = 2.55
_RULE = 0.24  # ems below the line that an underline reaches


def erase(
    rgb: Pixels, alpha: Pixels | None, blocks: Sequence[Block], others: Sequence[Block], seed: str
) -> dict[str, float]:
    """Remove the text of `blocks` from `rgb` (and `alpha`) in place; `others` are the blocks that stay.

    Only pixels inside the lines' and words' polygons with a margin of a quarter em change. `seed` makes the
    noise repeatable. Returns for each block's id how soft its edges were, in pixels (see `softness`).
    """
    height, width = rgb.shape[:2]
    lines = [(line, block) for block in [*blocks, *others] for line in block.lines]
    quads = [grown(line.polygon, 0.05 * block.style.size, 0) for line, block in lines]
    reaches = reaches_of(quads)
    erased = sum(len(block.lines) for block in blocks)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
    soft: dict[str, list[float]] = {block.id: [] for block in blocks}
    styles = [block.style for _, block in lines[:erased]]
    for run in together(reaches[:erased], styles):
        style = max((styles[i] for i in run), key=lambda style: style.size)
        em = style.size
        near = sorted({j for i in run for j in neighbours(reaches, i, em + 4)}.difference(run))
        rim = em * beside(style)
        rule = _RULE * em if style.underline else 0.0
        beside_it = [quads[j] for j in near]
        region = region_of([lines[i][0] for i in run], em, width, height, beside_it, rim, rule)
        if region is None:
            continue
        # What stays must not lose its edges to a neighbour's margin.
        kept = [quads[j] for j in near if j >= erased]
        writable = region.words.wide & ~filled(region.words.wide.shape, kept, region.left, region.top)
        if alpha is not None and _erase_alpha(region, alpha, writable):
            continue
        crop = region.cut(rgb)
        ground, ink = separate(crop, region.words)
        edges = softness(crop, ground, ink)
        for i in run:
            soft[lines[i][1].id].append(edges)
        _repaint(crop, ground, ink, writable, rng)
    return {name: float(np.median(values)) for name, values in soft.items() if values}


def _erase_alpha(region: Region, alpha: Pixels, writable: Mask) -> bool:
    """Where the ground is transparent the letters are what is not: clear them. Tells whether that was so."""
    crop = region.cut(alpha)
    ring = crop[region.words.usable]
    if ring.size == 0 or float(np.mean(ring < 128)) < 0.7:
        return False
    crop[writable] = int(np.median(ring))
    return True


def _repaint(crop: Pixels, ground: Ground, ink: Ink, writable: Mask, rng: np.random.Generator) -> None:
    """Paint over the ink: with the ground's pattern where it has one, else with its light and its grain.

    On even ground the ripples that coding leaves around strokes go too.
    """
    if not ink.halo.any():
        return
    spread = dilated(ink.halo, 1)
    if ground.noise < _GRAINY and not ground.textured:
        spread |= _rippled(crop, ground, ink)
    mask = spread & writable & ~ink.strange
    if not mask.any():
        return
    painted = _patterned(crop, spread, ground) if ground.textured else None
    put(crop, _plain(crop, spread, ground, rng) if painted is None else painted, mask)


def _rippled(crop: Pixels, ground: Ground, ink: Ink) -> Mask:
    """Pixels within a coding block of the ink, but for things that go on beyond it."""
    # Ripples fill blocks to their corners, but where grain shows that is too much of it to give away.
    shape = cv2.MORPH_RECT if ground.noise < _CLEAN else cv2.MORPH_ELLIPSE
    kernel = cv2.getStructuringElement(shape, (2 * _CODING_BLOCK + 1, 2 * _CODING_BLOCK + 1))
    near = cv2.dilate(ink.halo.view(np.uint8), kernel).view(bool)
    least = max(_FAINT, 4 * _RGB_OF_LAB * ground.noise)
    like = cv2.inRange(cv2.absdiff(crop, ground.paint), np.zeros(3), np.full(3, least))
    things = (like == 0) & ~ink.halo
    outside = things & ~near
    if not outside.any():
        return near
    parts, labels = parts_of(things)
    beyond = np.bincount(of(labels, outside), minlength=parts) > 0
    return near & ~of_parts(beyond, labels)


def _patterned(crop: Pixels, covered: Mask, ground: Ground) -> Pixels | None:
    """The crop with what is covered painted over along the ground's direction or with its repeats."""
    found = along_grain(crop, covered, ground.shown, ground.smooth)
    found = found or by_repeats(crop, covered, ground.shown, ground.smooth)
    if found is None:
        return None
    painted, where = found
    left = covered & ~where
    if left.any():
        put(painted, cv2.convertScaleAbs(interpolated(painted, left)), left)
    return painted


def _plain(crop: Pixels, covered: Mask, ground: Ground, rng: np.random.Generator) -> Pixels:
    """What is covered painted over with the light of what is around it, and with grain where that shows."""
    if ground.noise <= _GRAINLESS and not ground.textured:
        return ground.paint
    known = ground.known & ~covered
    light = interpolated(crop, ~known) if ground.textured else ground.light
    painted = np.asarray(cv2.convertScaleAbs(light), dtype=np.uint8)
    if ground.noise > _GRAINLESS:
        grains = grain(crop, light, known, covered, rng)
        if grains is not None:
            painted[covered] = cv2.convertScaleAbs(of(light, covered) + grains)
    return painted
