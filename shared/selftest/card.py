"""The card that the self-test translates, and what is known of it: `python -m tools.make_card` draws it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

HERE: Final = Path(__file__).parent
MEDIA_TYPE: Final = "image/png"

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""
Colour = tuple[int, int, int]


class Text(BaseModel):
    """One text of the card: where it stands and how it looks, and of each list of words one that its
    translation must have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    box: Box
    ink: Colour
    size: int
    weight: int
    wanted: tuple[tuple[str, ...], ...]


class Words(BaseModel):
    """What stands on the card. `kept` is a drawing that no translation may touch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    target: str
    size: tuple[int, int]
    kept: Box
    texts: tuple[Text, ...]


@cache
def words() -> Words:
    """What stands on the card."""
    return Words.model_validate(tomllib.loads((HERE / "card.toml").read_text(encoding="utf-8")))


def picture() -> bytes:
    """The card as a PNG."""
    return (HERE / "card.png").read_bytes()


def ground() -> bytes:
    """The card without its texts, as a PNG."""
    return (HERE / "ground.png").read_bytes()
