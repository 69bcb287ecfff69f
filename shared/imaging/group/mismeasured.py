"""Which measured sizes cannot be right, by the lines' boxes: on a hard ground ink is missed or made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shared.imaging.frame import Frame
from shared.imaging.group.lines import TextLine
from shared.imaging.ink.ground import to_lab
from shared.imaging.measure.look import Look
from shared.imaging.typesetting.reach import reach

_LEAST_SIZE, _MOST_SIZE = 0.62, 1.15  # of the box's height, and of the em that its letters would have in it
_FAINT = 12.0  # CIELAB; of ink that differs less from its ground little can be measured
_ENOUGH = 4  # lines that show how an engine draws its boxes
_MOST, _AGREED = 75, 0.12  # percent of the lines that must agree, and how far, as a share
_OFF, _OFF_ON_CALM = 1.2, 1.45  # times: what measuring does not explain; on calm ground boxes err more


def is_plausible(line: TextLine, look: Look) -> bool:
    """Whether a measured size fits the line's polygon, and the ink was strong enough to be measured."""
    ink, ground = to_lab(np.array([[look.ink, look.ground]], dtype=np.uint8))[0]
    most = _MOST_SIZE * max(line.height / sum(reach(line.line.text)), line.height)
    return _LEAST_SIZE * line.height < look.size < most and float(np.linalg.norm(ink - ground)) > _FAINT


def sizes_by_boxes(lines: Sequence[TextLine], looks: Sequence[Look | None]) -> list[float | None]:
    """The em height in pixels that each line's box tells; None where the boxes tell nothing.

    An engine draws all its boxes in one way, around the letters or as high as any line: so the measured size
    is the same share of one of both in all lines.
    """
    sure = [i for i, look in enumerate(looks) if look is not None and is_plausible(lines[i], look)]
    if len(sure) < _ENOUGH:
        return [None] * len(lines)
    bases = np.array([(line.height / sum(reach(line.line.text)), line.height) for line in lines])
    sizes = np.array([look.size if look else 1.0 for look in looks])
    shares = np.log(sizes[:, None] / bases)[sure]
    usual = np.median(shares, axis=0)
    spread = np.percentile(np.abs(shares - usual), _MOST, axis=0)
    way = int(np.argmin(spread))
    if spread[way] > _AGREED:
        return [None] * len(lines)
    return [float(size) for size in np.exp(usual[way]) * bases[:, way]]


def corrected(line: TextLine, look: Look | None, expected: float | None) -> Look | None:
    """The look, with a size far from the `expected` one replaced, and its ink level amid the box."""
    if look is None or expected is None:
        return look
    off = _OFF_ON_CALM if look.calm else _OFF
    if max(look.size, expected) < off * min(look.size, expected):
        return look
    return _resized(line, look, expected)


def _resized(line: TextLine, look: Look, size: float) -> Look:
    rise, fall = reach(line.line.text)
    middle = Frame.of(line.line.polygon).height / 2
    baseline = middle + (rise - fall) / 2 * size
    return replace(look, size=size, baseline=baseline, stroke=look.stroke * look.size / size, tilt=0.0)
