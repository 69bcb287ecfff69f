"""Boxes of a detector, as it gives them, made into lines."""

from __future__ import annotations

import numpy as np
import pytest

from local.engines.detection import find, merged


def box(left: float, right: float, top: float = 30, bottom: float = 100, turn: float = 0) -> np.ndarray:
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return (corners @ np.array([[c, s], [-s, c]])).astype(np.float32)


def spans(quads: list[np.ndarray]) -> list[tuple[int, int]]:
    return sorted((round(float(q[:, 0].min())), round(float(q[:, 0].max()))) for q in quads)


def test_pieces_of_a_line_that_overlap_are_one_box() -> None:
    pieces = [box(292, 593), box(21, 341, 32, 104), box(546, 753, 28, 96)]
    assert spans(merged(pieces)) == [(21, 753)]


@pytest.mark.parametrize("turn", [-25, 60, 180])
def test_pieces_of_a_turned_line_keep_their_direction(turn: float) -> None:
    (line,) = merged([box(0, 300, turn=turn), box(290, 600, turn=turn)])
    assert np.abs(line - box(0, 600, turn=turn)).max() < 1


@pytest.mark.parametrize(
    "other",
    [
        box(380, 600),  # a column half a line's height away and more
        box(300, 600, 90, 160),  # the next row, which a generous box overlaps
        box(290, 600, 30, 60),  # smaller letters
        box(290, 330, 30, 400),  # a column of upright letters
    ],
)
def test_what_is_no_piece_of_the_line_stays_apart(other: np.ndarray) -> None:
    assert len(merged([box(21, 341), other])) == 2


def test_letters_too_high_for_the_detector_are_found_in_a_smaller_picture() -> None:
    def detect(picture: np.ndarray) -> list[np.ndarray]:
        """One box around all ink in a small picture, its halves in a large one; a small line beside it."""
        ys, xs = np.nonzero(picture[:, :, 0] < 128)
        left, right, top, bottom = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
        if bottom - top < 130:
            return [box(left, right, top, bottom)]
        middle = (left + right) / 2
        return [box(left, middle - 90, top, bottom), box(middle + 90, right, top, bottom)]

    picture = np.full((400, 900, 3), 255, np.uint8)
    picture[100:300, 50:850] = 0
    (line,) = find(picture, detect)
    assert np.abs(line - box(50, 850, 100, 300)).max() < 8
