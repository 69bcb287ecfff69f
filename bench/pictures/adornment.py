"""What some pages' letters have besides themselves: an underline, an outline or a shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.pictures.inks import ratio

Floats = NDArray[np.float32]
Random = np.random.Generator

KINDS = ("underline", "outline", "shadow")
LEAST_SIZE = 24
"""Pixels an em from which letters are adorned."""
_SHARE = 0.25  # of the pages
_DARKER = np.float32(0.45)  # share of its light that a ground keeps in a shadow
_LEAST_CONTRAST = {"outline": 3.0, "shadow": 1.8}
"""Of a rim or shadow with the letters and with the ground: who sets a rim wants the letters to stand out."""
_RIMS = (np.full(3, 12, np.float32), np.full(3, 246, np.float32))


@dataclass(frozen=True)
class Adornment:
    """`kind` is one of KINDS. Lengths are ems: of a rule or rim how thick, of a shadow how far and how soft.

    A rule lies `across` below the baseline.
    """

    kind: str
    thick: float = 0.0
    along: float = 0.0
    across: float = 0.0
    blur: float = 0.0


def adornment(rng: Random) -> Adornment | None:
    """That of a page, or none."""
    if rng.random() >= _SHARE:
        return None
    kind = str(rng.choice(KINDS))
    if kind == "underline":
        return Adornment(kind, thick=float(rng.uniform(0.04, 0.08)), across=float(rng.uniform(0.1, 0.16)))
    if kind == "outline":
        return Adornment(kind, thick=float(rng.uniform(0.04, 0.08)))
    along = float(rng.choice([-1, 1]) * rng.uniform(0.04, 0.09))
    soft = float(rng.uniform(0.01, 0.03)) if rng.random() < 0.5 else 0.0
    return Adornment(kind, along=along, across=float(rng.uniform(0.04, 0.09)), blur=soft)


def visible_kind(worn: Adornment | None, ink: Floats, ground: Floats) -> str:
    """The kind of what `ink` has on a ground of this mean colour; empty for none that one would see."""
    if worn is None:
        return ""
    if worn.kind == "underline":
        return worn.kind
    beside = _shade(worn, ink, ground)
    apart = min(ratio(beside, ink), ratio(beside, ground))
    return worn.kind if apart >= _LEAST_CONTRAST[worn.kind] else ""


def with_beneath(
    picture: Floats, cover: Floats, worn: Adornment | None, em: float, turn: float, ink: Floats
) -> Floats:
    """The picture with the rim or shadow of letters of `em` pixels whose lines run at `turn` radians."""
    if worn is None or worn.kind == "underline":
        return picture
    share = _rim(cover, worn, em) if worn.kind == "outline" else _cast(cover, worn, em, turn)
    ground = picture[cover > 0.5].mean(axis=0)
    beside = picture * _DARKER if worn.kind == "shadow" else _shade(worn, ink, ground)
    return np.asarray(picture * (1 - share[..., None]) + beside * share[..., None], dtype=np.float32)


def _shade(worn: Adornment, ink: Floats, ground: Floats) -> Floats:
    """The colour beside the letters: a darker ground's, or black or white, whichever is further from both."""
    if worn.kind == "shadow":
        return np.asarray(ground * _DARKER, dtype=np.float32)
    return max(_RIMS, key=lambda rim: min(ratio(rim, ink), ratio(rim, ground)))


def _rim(cover: Floats, worn: Adornment, em: float) -> Floats:
    away = cv2.distanceTransform((cover < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(worn.thick * em + 0.5 - away, 0, 1), dtype=np.float32)


def _cast(cover: Floats, worn: Adornment, em: float, turn: float) -> Floats:
    along, across = worn.along * em, worn.across * em
    x = along * np.cos(turn) - across * np.sin(turn)
    y = along * np.sin(turn) + across * np.cos(turn)
    shift = np.array([[1, 0, x], [0, 1, y]], dtype=np.float64)
    moved = cv2.warpAffine(cover, shift, cover.shape[::-1])
    soft = worn.blur * em
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), soft) if soft > 0.2 else moved, dtype=np.float32)
