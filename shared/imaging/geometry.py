"""Rectangles, and the turn that lets columns be laid out as lines are."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def moved(self, x: float, y: float) -> Box:
        """The same box elsewhere."""
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def scaled(self, factor: float) -> Box:
        """The box with all coordinates multiplied."""
        return Box(self.left * factor, self.top * factor, self.right * factor, self.bottom * factor)

    def turned(self) -> Box:
        """A quarter turn anticlockwise: columns that follow each other leftwards become lines going down."""
        return Box(self.top, -self.right, self.bottom, -self.left)

    def turned_back(self) -> Box:
        """What `turned` came from."""
        return Box(-self.bottom, self.left, -self.top, self.right)
