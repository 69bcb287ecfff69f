"""Free space around a block: how far its ground goes on without meeting anything."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.frame import Frame, Points, bounds
from shared.imaging.geometry import Box
from shared.imaging.ink.ground import SAMPLE, largest, to_lab
from shared.imaging.ink.samples import quantile
from shared.imaging.ink.separate import distance
from shared.imaging.pixels import Floats, Mask, Pixels

_SAMPLES_PER_EM = 16
_ASIDE = 0.4  # what is left free before an obstacle, in ems
_LINE_REACH, _COLUMN_REACH = 1.2, 0.7  # growth to a side, in widths of the block
_SHORT_REACH, _NARROW_REACH = 7.0, 4.0  # the same in ems, of a line and of a column, that is always looked at
_SLACK = 0.35  # growth above and below that nobody notices, in ems
_RULE = 3  # samples from the middle of a rule to what is beside it
_SEEN = 3.0  # CIELAB: what a rule differs by from both its sides
_CLEAR = 8.0  # times the usual: what it must stand out from a ground with a grain


def larger_boxes(
    rgb: Pixels,
    frame: Frame,
    em: float,
    occupied: Sequence[Points],
    alignment: str,
    kept: Box | None = None,
) -> tuple[Box, ...]:
    """Boxes around the frame's own that hold nothing but its ground: with slack, wider, taller, both.

    `rgb` is the picture with the text erased, `occupied` are polygons of everything else that stays or comes.
    Aligned edges stay where they are, and what is centred grows evenly. Of the frame's own box only what is
    `kept` need go on, all of it by default.
    """
    kept = kept or Box(0, 0, frame.width, frame.height)
    # A single line goes on in its free space before it is broken; running text keeps its column.
    is_line = frame.height < 1.5 * em
    share, least = (_LINE_REACH, _SHORT_REACH) if is_line else (_COLUMN_REACH, _NARROW_REACH)
    reach_x, reach_y = max(share * frame.width, least * em), 1.6 * em
    sideways = (0.0 if alignment == "left" else reach_x, 0.0 if alignment == "right" else reach_x)
    wanted = Box(-sideways[0], -reach_y, frame.width + sideways[1], frame.height + reach_y)
    field = _within(wanted, frame, rgb.shape[1], rgb.shape[0])
    scale = _SAMPLES_PER_EM / em
    free = _free(rgb, frame, field, scale, occupied)
    rows = _index(kept.top - field.top, kept.bottom - field.top, scale, free.shape[0])
    columns = _index(-field.left, frame.width - field.left, scale, free.shape[1])
    step = _SLACK * em
    slack = _grow(free, rows, columns, scale, frame, Box(0, step, 0, step), em)
    wide = _grow(free, rows, columns, scale, frame, Box(sideways[0], step, sideways[1], step), em)
    tall = _grow(free, rows, columns, scale, frame, Box(0, reach_y, 0, reach_y), em)
    both = _grow(free, rows, columns, scale, frame, Box(sideways[0], reach_y, sideways[1], reach_y), em)
    boxes = (slack, wide, tall, both)
    return tuple(_evened(box, frame) if alignment == "center" else box for box in boxes)


def _within(field: Box, frame: Frame, width: int, height: int) -> Box:
    """The part of the field that a picture of `width` x `height` can show, with the frame's own box."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    if not frame.is_affine:
        return field
    (left, top), (right, bottom) = (edge(frame.to_local(corners), axis=0) for edge in (np.min, np.max))
    return Box(
        max(field.left, min(0.0, float(left))),
        max(field.top, min(0.0, float(top))),
        min(field.right, max(frame.width, float(right))),
        min(field.bottom, max(frame.height, float(bottom))),
    )


def unshared(frame: Frame, others: Sequence[Points]) -> Box | None:
    """The frame's own box without its half of each strip that another text's box shares; None without such.

    Boxes of lines set close to each other overlap where one's descenders end and the other's accents begin.
    """
    left, top, right, bottom = 0.0, 0.0, frame.width, frame.height
    own = frame.corners(Box(left, top, right, bottom)).astype(np.float32)
    for polygon in others:
        if cv2.intersectConvexConvex(own, polygon.astype(np.float32))[0] <= 0:
            continue
        (a, b), (c, d) = (edge(frame.to_local(polygon), axis=0) for edge in (np.min, np.max))
        across, down = min(c, frame.width) - max(a, 0), min(d, frame.height) - max(b, 0)
        if down / frame.height <= across / frame.width:
            if b + d > frame.height:
                bottom = min(bottom, frame.height - down / 2)
            else:
                top = max(top, down / 2)
        elif a + c > frame.width:
            right = min(right, frame.width - across / 2)
        else:
            left = max(left, across / 2)
    box = Box(left, top, right, bottom)
    whole = box == Box(0, 0, frame.width, frame.height)
    return None if whole or box.width < 1 or box.height < 1 else box


def _evened(box: Box, frame: Frame) -> Box:
    """The part of the box that reaches equally far to both sides."""
    reach = min(-box.left, box.right - frame.width)
    return Box(-reach, box.top, frame.width + reach, box.bottom)


def _index(low: float, high: float, scale: float, count: int) -> tuple[int, int]:
    start = min(max(0, round(low * scale)), count - 1)
    return start, min(max(start + 1, round(high * scale)), count)


def _free(rgb: Pixels, frame: Frame, field: Box, scale: float, occupied: Sequence[Points]) -> Mask:
    """Samples of the field that look like the block's ground and belong to nobody else."""
    height, width = rgb.shape[:2]
    to_grid = np.array([[scale, 0, -field.left * scale], [0, scale, -field.top * scale], [0, 0, 1]])
    columns = max(1, round((field.right - field.left) * scale))
    rows = max(1, round((field.bottom - field.top) * scale))
    left, top, right, bottom = bounds(_visible_corners(frame, field), 2, width, height)
    if right <= left or bottom <= top:
        return np.zeros((rows, columns), dtype=bool)
    back = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], dtype=np.float64)
    matrix = to_grid @ frame.inverse @ back
    crop = rgb[top:bottom, left:right]
    # Thin lines must not fall between the samples.
    shrink = 1 / (scale * max(1e-6, float(np.sqrt(abs(np.linalg.det(frame.inverse[:2, :2]))))))
    if shrink > 1.5:
        crop = np.asarray(cv2.blur(crop, (round(shrink), round(shrink))), dtype=np.uint8)
    samples = cv2.warpPerspective(crop, matrix, (columns, rows), flags=cv2.INTER_LINEAR)
    inside = np.full(crop.shape[:2], 255, dtype=np.uint8)
    seen = cv2.warpPerspective(inside, matrix, (columns, rows), flags=cv2.INTER_NEAREST) > 0
    own = np.zeros((rows, columns), dtype=bool)
    own_rows = _index(-field.top, frame.height - field.top, scale, rows)
    own_columns = _index(-field.left, frame.width - field.left, scale, columns)
    own[slice(*own_rows), slice(*own_columns)] = True
    lab = to_lab(np.asarray(samples, dtype=np.uint8))
    alike = _without_grains(_alike(lab, own & seen)) & ~_ruled(lab)
    taken = np.zeros((rows, columns), dtype=np.uint8)
    for polygon in occupied:
        local = frame.to_local(polygon)
        cv2.fillPoly(taken, [np.rint((local - (field.left, field.top)) * scale).astype(np.int32)], 1)
    return np.asarray(alike & seen & (taken == 0), dtype=bool)


def _visible_corners(frame: Frame, field: Box) -> Points:
    """The field's corners in the picture; a strong perspective cannot carry them past its horizon."""
    corners = frame.corners(field)
    weights = np.array(
        [
            frame.matrix[2] @ (x, y, 1)
            for x, y in (
                (field.left, field.top),
                (field.right, field.top),
                (field.right, field.bottom),
                (field.left, field.bottom),
            )
        ]
    )
    if (weights > 0.05).all():
        return corners
    return frame.corners(Box(0, 0, frame.width, frame.height))


def _without_grains(alike: Mask) -> Mask:
    """Also the samples that are unlike their ground all alone: on a grainy one some always are."""
    unlike = (~alike).view(np.uint8)
    around = cv2.boxFilter(unlike, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(alike | (around == 1), dtype=bool)


def _ruled(lab: Floats) -> Mask:
    """Samples on rules too faint to differ from the ground one by one.

    A rule differs from both its sides all along an em, in one way; a grain does so here and there.
    """
    found = np.zeros(lab.shape[:2], dtype=bool)
    for axis in (0, 1):
        kernel = np.zeros(2 * _RULE + 1, dtype=np.float32)
        kernel[[0, _RULE, -1]] = -0.5, 1, -0.5
        along = np.full(_SAMPLES_PER_EM, 1 / _SAMPLES_PER_EM, dtype=np.float32)
        across_x, across_y = (along, kernel) if axis == 0 else (kernel, along)
        ridge = cv2.sepFilter2D(lab, cv2.CV_32F, across_x, across_y, borderType=cv2.BORDER_REPLICATE)
        height = largest(ridge)
        found |= height > max(_SEEN, _CLEAR * quantile(height.ravel(), 0.5))
    return found


def _alike(lab: Floats, own: Mask) -> Mask:
    """Samples whose colour goes on from the own box's, which may rise or fall evenly."""
    places = np.flatnonzero(own)
    if len(places) < 8:
        return own
    ys, xs = np.divmod(places[:: max(1, len(places) // SAMPLE)], own.shape[1])
    design = _design(xs, ys, own.shape)
    values = lab[ys, xs].astype(np.float64)
    start = np.median(values, axis=0)
    near = largest(values - start) < 12
    if near.sum() < 8:
        near[:] = True
    design, values = design[near], values[near]
    # A slope learnt in a small box must not be believed far outside it.
    ridge = np.diag([0.0, 1.0, 1.0]) * len(values) * 0.02
    fit = np.linalg.solve(design.T @ design + ridge, design.T @ values)
    spread = float(np.sqrt(np.mean(np.square(values - design @ fit))))
    height, width = own.shape
    along = ((np.arange(width) / width - 0.5)[:, None] * fit[1]).astype(np.float32)
    down = (fit[0] + (np.arange(height) / height - 0.5)[:, None] * fit[2]).astype(np.float32)
    away = distance(lab, along[None] + down[:, None])
    return np.asarray(away < min(20.0, max(7.0, 4.5 * spread)), dtype=bool)


def _design(xs: NDArray[np.int64], ys: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(xs)), xs / shape[1] - 0.5, ys / shape[0] - 0.5])


def _grow(
    free: Mask,
    rows: tuple[int, int],
    columns: tuple[int, int],
    scale: float,
    frame: Frame,
    most: Box,
    em: float,
) -> Box:
    """Sideways first, then up and down over the whole new width; `most` is the growth allowed."""
    aside = round(_ASIDE * em * scale)
    left = _run(free[slice(*rows), : columns[0]][:, ::-1].T, round(most.left * scale), aside)
    right = _run(free[slice(*rows), columns[1] :].T, round(most.right * scale), aside)
    span = slice(columns[0] - left, columns[1] + right)
    up = _run(free[: rows[0], span][::-1], round(most.top * scale), aside)
    down = _run(free[rows[1] :, span], round(most.bottom * scale), aside)
    return Box(-left / scale, -up / scale, frame.width + right / scale, frame.height + down / scale)


def _run(strips: Mask, most: int, aside: int) -> int:
    """How many strips in a row are free, keeping `aside` before the first that is not."""
    if most <= 0:
        return 0
    clear = strips[: most + aside].mean(axis=1) >= 0.985 if strips.size else np.zeros(0, dtype=bool)
    blocked = np.nonzero(~clear)[0]
    reach = int(blocked[0]) if len(blocked) else len(clear)
    return min(most, max(0, reach - aside))
