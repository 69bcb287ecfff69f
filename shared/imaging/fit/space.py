"""Free space around a block: how far its ground goes on without meeting anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.frame import Frame, Matrix, Points, bounds
from shared.imaging.geometry import Box
from shared.imaging.ink.attached import dilated
from shared.imaging.ink.ground import SAMPLE, largest, to_lab
from shared.imaging.ink.samples import quantile
from shared.imaging.pixels import Floats, Mask, Pixels, Reals

_SAMPLES_PER_EM = 16
_ASIDE = 0.4  # what is left free before an obstacle, in ems
_LINE_REACH, _COLUMN_REACH = 1.2, 0.7  # growth to a side, in widths of the block
_SHORT_REACH, _NARROW_REACH = 7.0, 4.0  # the same in ems, of a line and of a column, that is always looked at
_SLACK = 0.35  # growth above and below that nobody notices, in ems
_CLEARANCE = 0.985  # share of a strip that is free where it may be grown over
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
    grid = _Grid.of(frame, field, em)
    free = _free(rgb, grid, occupied)
    step = _SLACK * em
    growths = (
        Box(0, step, 0, step),
        Box(sideways[0], step, sideways[1], step),
        Box(0, reach_y, 0, reach_y),
        Box(sideways[0], reach_y, sideways[1], reach_y),
    )
    rows = _index(kept.top - field.top, kept.bottom - field.top, grid.scale, grid.rows)
    found = _Growth(free, grid, rows, round(_ASIDE * em * grid.scale))
    boxes = [found.box(most) for most in growths]
    return tuple(_evened(box, frame) if alignment == "center" else box for box in boxes)


def _within(field: Box, frame: Frame, width: int, height: int) -> Box:
    """The part of the field that a picture of `width` x `height` can show, with the frame's own box."""
    if not frame.is_affine:
        return field
    seen = frame.around([(0, 0), (width, 0), (width, height), (0, height)])
    return Box(
        max(field.left, min(0.0, seen.left)),
        max(field.top, min(0.0, seen.top)),
        min(field.right, max(frame.width, seen.right)),
        min(field.bottom, max(frame.height, seen.bottom)),
    )


@dataclass(frozen=True)
class _Grid:
    """Samples of a field of a frame: `scale` of them a pixel, `rows` x `columns`.

    `own_rows` and `own_columns` are those in the frame's own box: the first, and the one after the last.
    """

    frame: Frame
    field: Box
    scale: float
    rows: int
    columns: int
    own_rows: tuple[int, int]
    own_columns: tuple[int, int]

    @classmethod
    def of(cls, frame: Frame, field: Box, em: float) -> _Grid:
        """So many samples an em."""
        scale = _SAMPLES_PER_EM / em
        columns = max(1, round((field.right - field.left) * scale))
        rows = max(1, round((field.bottom - field.top) * scale))
        own_rows = _index(-field.top, frame.height - field.top, scale, rows)
        own_columns = _index(-field.left, frame.width - field.left, scale, columns)
        return cls(frame, field, scale, rows, columns, own_rows, own_columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns


def unshared(frame: Frame, others: Sequence[Points]) -> Box | None:
    """The frame's own box without its half of each strip that another text's box shares; None without such.

    Boxes of lines set close to each other overlap where one's descenders end and the other's accents begin.
    """
    left, top, right, bottom = 0.0, 0.0, frame.width, frame.height
    own = frame.corners(Box(left, top, right, bottom)).astype(np.float32)
    for polygon in others:
        a, b, c, d = frame.around(polygon)
        apart = a >= frame.width or c <= 0 or b >= frame.height or d <= 0
        if apart or cv2.intersectConvexConvex(own, polygon.astype(np.float32))[0] <= 0:
            continue
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


def _free(rgb: Pixels, grid: _Grid, occupied: Sequence[Points]) -> Mask:
    """Samples of the field that look like the block's ground and belong to nobody else."""
    frame, field, scale = grid.frame, grid.field, grid.scale
    height, width = rgb.shape[:2]
    left, top, right, bottom = bounds(_visible_corners(frame, field), 2, width, height)
    if right <= left or bottom <= top:
        return np.zeros(grid.shape, dtype=bool)
    to_grid = np.array([[scale, 0, -field.left * scale], [0, scale, -field.top * scale], [0, 0, 1]])
    back = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], dtype=np.float64)
    matrix = to_grid @ frame.inverse @ back
    crop = rgb[top:bottom, left:right]
    # Thin lines must not fall between the samples.
    (a, b, _), (c, d, _), _ = frame.inverse.tolist()
    shrink = 1 / (scale * max(1e-6, math.sqrt(abs(a * d - b * c))))
    if shrink > 1.5:
        crop = np.asarray(cv2.blur(crop, (round(shrink), round(shrink))), dtype=np.uint8)
    samples = cv2.warpPerspective(crop, matrix, (grid.columns, grid.rows), flags=cv2.INTER_LINEAR)
    seen = _seen(grid, matrix, (left, top, right, bottom))
    lab = to_lab(np.asarray(samples, dtype=np.uint8))
    alike = _alike(lab, grid, seen)
    alike = _without_grains(alike) & ~_ruled(_calmed(lab, alike))
    taken = np.zeros(grid.shape, dtype=np.uint8)
    for polygon in occupied:
        local = frame.to_local(polygon)
        cv2.fillPoly(taken, [np.rint((local - (field.left, field.top)) * scale).astype(np.int32)], 1)
    free = alike & (taken == 0)
    return free if seen is None else np.asarray(free & seen, dtype=bool)


def _seen(grid: _Grid, matrix: Matrix, crop: tuple[int, int, int, int]) -> Mask | None:
    """Samples that lie in the crop, to which `matrix` leads from its pixels; None where all do."""
    left, top, right, bottom = crop
    (first_x, first_y), scale = grid.field[:2], grid.scale
    last_x, last_y = first_x + (grid.columns - 1) / scale, first_y + (grid.rows - 1) / scale
    ends = grid.frame.corners(Box(first_x, first_y, last_x, last_y))
    if grid.frame.is_affine and (ends >= (left, top)).all() and (ends <= (right - 1, bottom - 1)).all():
        return None
    inside = np.full((bottom - top, right - left), 255, dtype=np.uint8)
    return cv2.warpPerspective(inside, matrix, (grid.columns, grid.rows), flags=cv2.INTER_NEAREST) > 0


def _visible_corners(frame: Frame, field: Box) -> Points:
    """The field's corners in the picture; a strong perspective cannot carry them past its horizon."""
    corners = frame.corners(field)
    if frame.is_affine:
        return corners
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


def _calmed(lab: Floats, alike: Mask) -> Floats:
    """The samples with what is unlike their ground, and its rim, in the ground's usual colour.

    What is told from it sample by sample must not be smeared along an em by looking for what is not.
    """
    unlike = dilated(~alike, 1)
    if not unlike.any() or unlike.all():
        return lab
    calm, usual = lab.copy(), lab[~unlike]
    calm[unlike] = np.median(usual[:: max(1, len(usual) // SAMPLE)], axis=0)
    return calm


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


def _alike(lab: Floats, grid: _Grid, seen: Mask | None) -> Mask:
    """Samples whose colour goes on from the own box's, which may rise or fall evenly."""
    ys, xs = _own_samples(grid, seen)
    if len(ys) < 8:
        return _own(grid, seen)
    height, width = grid.shape
    values = lab[ys, xs].astype(np.float64)
    design = np.column_stack([np.ones(len(xs)), xs / width - 0.5, ys / height - 0.5])
    near = largest(values - _middle(values)) < 12
    if near.sum() < 8:
        near[:] = True
    design, values = design[near], values[near]
    # A slope learnt in a small box must not be believed far outside it.
    ridge = np.diag([0.0, 1.0, 1.0]) * len(values) * 0.02
    fit = np.linalg.solve(design.T @ design + ridge, design.T @ values)
    spread = float(np.sqrt(np.mean(np.square(values - design @ fit))))
    along = ((np.arange(width) / width - 0.5)[:, None] * fit[1]).astype(np.float32)
    down = (fit[0] + (np.arange(height) / height - 0.5)[:, None] * fit[2]).astype(np.float32)
    # Channel by channel: NumPy is slow where the last axis has but three numbers.
    away = np.zeros(grid.shape, dtype=np.float32)
    for channel in range(3):
        unlike = lab[..., channel] - (along[:, channel] + down[:, channel, None])
        away += np.square(unlike, out=unlike)
    return np.asarray(away < min(20.0, max(7.0, 4.5 * spread)) ** 2, dtype=bool)


def _middle(values: Reals) -> Reals:
    """The median of each column; NumPy's own takes longer to look for what is no number than to sort."""
    upper = len(values) // 2
    lower = upper - 1 + len(values) % 2
    ordered = np.partition(values.T, (lower, upper), axis=1)
    return np.asarray((ordered[:, lower] + ordered[:, upper]) / 2, dtype=np.float64)


def _own(grid: _Grid, seen: Mask | None) -> Mask:
    own = np.zeros(grid.shape, dtype=bool)
    box = slice(*grid.own_rows), slice(*grid.own_columns)
    own[box] = True if seen is None else seen[box]
    return own


def _own_samples(grid: _Grid, seen: Mask | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of some samples of the own box that are seen, evenly chosen."""
    (top, bottom), (left, right) = grid.own_rows, grid.own_columns
    if seen is None:
        count = (bottom - top) * (right - left)
        places = np.arange(0, count, max(1, count // SAMPLE))
    else:
        places = np.flatnonzero(seen[top:bottom, left:right])
        places = places[:: max(1, len(places) // SAMPLE)]
    ys, xs = np.divmod(places, right - left)
    return ys + top, xs + left


class _Growth:
    """How far a frame's own box may grow over free samples."""

    def __init__(self, free: Mask, grid: _Grid, rows: tuple[int, int], aside: int) -> None:
        """Look sideways, where all growths begin; `rows` must go on, and before what ends it stay `aside`."""
        self.grid = grid
        self.rows = rows
        self.aside = aside
        self.counts = cv2.integral(free.view(np.uint8))
        begin, end = grid.own_columns
        clear = np.diff(self.counts[rows[1]] - self.counts[rows[0]]) >= _CLEARANCE * (rows[1] - rows[0])
        self.left, self.right = _clear(clear[:begin][::-1]) - aside, _clear(clear[end:]) - aside

    def box(self, most: Box) -> Box:
        """Sideways first, then up and down over the whole new width; `most` is the growth allowed."""
        frame, scale = self.grid.frame, self.grid.scale
        left = max(0, min(self.left, round(most.left * scale)))
        right = max(0, min(self.right, round(most.right * scale)))
        above, below = self._beyond(self.grid.own_columns[0] - left, self.grid.own_columns[1] + right)
        up = max(0, min(above, round(most.top * scale)))
        down = max(0, min(below, round(most.bottom * scale)))
        return Box(-left / scale, -up / scale, frame.width + right / scale, frame.height + down / scale)

    def _beyond(self, first: int, last: int) -> tuple[int, int]:
        """How many rows above and below are free between two columns."""
        clear = np.diff(self.counts[:, last] - self.counts[:, first]) >= _CLEARANCE * (last - first)
        return _clear(clear[: self.rows[0]][::-1]) - self.aside, _clear(clear[self.rows[1] :]) - self.aside


def _clear(strips: Mask) -> int:
    """How many strips in a row are clear."""
    blocked = int(np.argmin(strips)) if strips.size else 0
    return len(strips) if not strips.size or strips[blocked] else blocked
