"""Italic, or only seen aslant: whether letters lean by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.imaging.group.outline import Plane
from shared.imaging.group.placed import Placed
from shared.imaging.typesetting.scripts import script_of

LEANING = frozenset({"Latn", "Cyrl", "Grek"})
"""Scripts that have italics, and stems enough to measure their lean."""

_LEAST, _MOST = 0.1, 0.4  # shear of italics
_OPENS = 0.015  # radians between the first and the last line from which a page is seen aslant
_LETTERS, _SIZE = 3, 12.0


def common_lean(lines: Sequence[Placed], plane: Plane | None) -> float:
    """The slant that all letters on a `plane` seen in perspective have in common; 0 on any other page."""
    looks = [(line.look, len(line.words)) for line in lines if line.look is not None]
    if plane is None or not looks:
        return 0.0
    spread = max(line.bottom for line in lines) - min(line.top for line in lines)
    if abs(plane.opening) * spread < _OPENS:
        return 0.0
    return float(np.median([look.slant for look, count in looks for _ in range(count)]))


def is_italic(lines: Sequence[Placed], common: float) -> bool:
    """Whether the letters of a text lean to the right by more than the `common` slant of its page."""
    letters = [char for line in lines for char in line.words if char.isalpha()]
    if sum(script_of(char) in LEANING for char in letters) < max(_LETTERS, 0.6 * len(letters)):
        return False
    looks = [(line.look, len(line.words)) for line in lines if line.look is not None and line.size > _SIZE]
    if not looks:
        return False
    slant = float(np.average([look.slant for look, _ in looks], weights=[count for _, count in looks]))
    return _LEAST < slant - common < _MOST
