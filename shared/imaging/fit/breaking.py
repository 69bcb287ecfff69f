"""Where the lines of a text end, told from the widths of its pieces alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

Lines = list[tuple[int, int]]
"""For each line its first piece, and the one after its last."""

_ROUNDS = 16  # of halving: the longest line is told to a share of 1/65536
_SAME = 1e-9  # relative: lengths that differ by no more are one


class Pieces:
    """What stands together on a line: each piece's start and end on one long line, in ems.

    An end is the furthest that the piece or one before it would reach if a line ended there: without white
    space, and with a hyphen where one is set.
    """

    def __init__(self, starts: Sequence[float], ends: Sequence[float]) -> None:
        """`starts` has one for each of `ends`, and both only grow."""
        self.starts = starts
        self.ends = ends

    @cached_property
    def widest(self) -> float:
        """The length of the longest piece: no line can be kept shorter."""
        return max(end - start for start, end in zip(self.starts, self.ends, strict=False))

    def filled(self, limit: float) -> Lines:
        """Every line as full as the limit allows; a piece that is wider stands alone."""
        lines: Lines = []
        start, count = 0, len(self.ends)
        while start < count:
            end = bisect_right(self.ends, self.starts[start] + limit, start, count)
            end = max(end, start + 1)
            lines.append((start, end))
            start = end
        return lines

    def even(self, count: int) -> Lines:
        """At most `count` lines, the longest as short as it can be."""
        total = self.ends[-1]
        if count <= 1:
            return self.filled(total)
        # Lines filled to an even share and one piece more are never more than `count`.
        low = max(total / count, self.widest)
        high = min(total, total / count + self.widest) * (1 + _SAME)
        best = self.filled(high)
        for _ in range(_ROUNDS):
            if low >= high * (1 - _SAME):
                break
            middle = (low + high) / 2
            lines = self.filled(middle)
            if len(lines) <= count:
                # All limits from the longest line on break the text alike, up to the one tried.
                best, high = lines, max(self.ends[b - 1] - self.starts[a] for a, b in lines)
            else:
                # And so do all limits below the one at which some line could take another piece.
                low = min(self.ends[b] - self.starts[a] for a, b in lines[:-1])
        return best
