"""What is drawn besides the letters: underline, outline and shadow, and how far they reach."""

from __future__ import annotations

from shared.imaging.geometry import Box
from shared.imaging.typesetting.shape import Shaped
from shared.scenes.schemas import Style

_UNDER, _THICK = 0.1, 0.055
_BESIDE = 0.56
_SEEN_BLUR = 2.0  # standard deviations after which next to nothing of a shadow is left
_BOLDER = 0.5  # share by which the line under the boldest text is thicker
BLUR_REACH = 3.0
"""Standard deviations after which a blur is not seen."""


def underline(line: Shaped, style: Style) -> Box | None:
    """The rule under a line, or at the right of a column, in ems; None where there is none."""
    if not style.underline or line.ink is None:
        return None
    thick = _THICK * (1 + _BOLDER * (style.weight - 400) / 500)
    if line.vertical:
        return Box(_BESIDE, 0.0, _BESIDE + thick, line.width)
    return Box(0.0, _UNDER, line.width, _UNDER + thick)


def dressed(line: Shaped, style: Style) -> Box | None:
    """The box of a line's letters with everything that is drawn around them, in ems."""
    ink = line.ink
    if ink is None:
        return None
    rule = underline(line, style)
    if rule is not None:
        ink = ink.union(rule)
    shadow = style.shadow
    reach = ink if style.outline is None else grown(ink, style.outline.width)
    if shadow is not None:
        reach = reach.union(grown(reach.moved(shadow.along, shadow.across), BLUR_REACH * shadow.blur))
    return reach


def beside(style: Style) -> float:
    """How far from the letters their outline or shadow reaches on any side, in ems."""
    rim = 0.0 if style.outline is None else style.outline.width
    if style.shadow is None:
        return rim
    shadow = style.shadow
    return rim + max(abs(shadow.along), abs(shadow.across)) + _SEEN_BLUR * shadow.blur


def grown(box: Box, by: float) -> Box:
    """The box with a margin on all sides."""
    return Box(box.left - by, box.top - by, box.right + by, box.bottom + by)
