"""How good the self-test's result is: five shares between 0 and 1, from what is known of the card.

The card's ground is known to the pixel, so what stands on it is whatever differs from it.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.selftest.card import Box, Text, Words, ground, picture
from shared.selftest.stages import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.int16]
    Mask = NDArray[np.bool_]

ENOUGH: Final = 0.9
"""The least that each share must be."""
_INK: Final = 24
"""A pixel that differs more from the ground, in any channel, one sees as ink."""
_GHOST: Final = 8
"""One that differs more where ink stood, and none is near, one sees as a ghost of it."""
_NEAR: Final = 7
_CHANCE: Final = 0.6
"""So much of a text's ink may be covered by another text's at the same place; such texts cover about 0.4."""
_FRESH: Final = 0.3
"""At least so much ink, as a share of what a text has, a drawn text has beside that one's."""


class Quality(BaseModel):
    """What became of the card: each from 0, nothing, to 1, all of it as it should be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: float = Field(ge=0, le=1, description="words of the card that were read, and no others")
    translated: float = Field(ge=0, le=1, description="words that any good translation has")
    erased: float = Field(ge=0, le=1, description="ink of the texts that is gone")
    drawn: float = Field(ge=0, le=1, description="texts in whose place there is another")
    kept: float = Field(ge=0, le=1, description="pixels of the card's drawing that stayed as they were")

    @property
    def poor(self) -> Stage | None:
        """The stage that the first share below `ENOUGH` is owed to: what follows builds upon it."""
        shares: dict[str, float] = self.model_dump()
        name = next((name for name, share in shares.items() if share < ENOUGH), None)
        return None if name is None else _OWED_TO.get(name, Stage.DRAW)


_OWED_TO: Final = {"read": Stage.RECOGNISE, "translated": Stage.TRANSLATE}


def score(card: Words, read: Sequence[str], translated: Sequence[str], result: bytes) -> Quality:
    """Judge the texts that were read on the card, those that they became, and the picture that was drawn."""
    import numpy as np

    source, blank, drawn = _pixels(picture()), _pixels(ground()), _readable(result)
    if drawn is None or drawn.shape != source.shape:
        drawn = np.zeros_like(source)
    looks = [_look(text, source, blank, drawn) for text in card.texts]
    kept = (_crop(source, card.kept) == _crop(drawn, card.kept)).all(axis=2)
    shares = {
        "read": _alike([text.text for text in card.texts], read),
        "translated": _said(card.texts, translated),
        "erased": sum(erased for erased, _ in looks) / len(looks),
        "drawn": sum(fresh for _, fresh in looks) / len(looks),
        "kept": float(kept.mean()),
    }
    return Quality(**{name: round(share, 3) for name, share in shares.items()})


def _alike(wanted: Sequence[str], read: Sequence[str]) -> float:
    """The F1 measure of words, in whatever order they come."""
    ours, theirs = Counter(_words(wanted)), Counter(_words(read))
    both = sum((ours & theirs).values())
    return 2 * both / (ours.total() + theirs.total())


def _said(texts: Sequence[Text], translated: Sequence[str]) -> float:
    """How many of the lists of words have one in the translation."""
    found = set(_words(translated))
    lists = [set(words) for text in texts for words in text.wanted]
    return sum(bool(words & found) for words in lists) / len(lists)


def _words(texts: Sequence[str]) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", " ".join(texts)).casefold())


def _look(text: Text, source: Pixels, blank: Pixels, drawn: Pixels) -> tuple[float, float]:
    """How much of a text's ink is gone, and whether there is other ink in its place."""
    ground = _crop(blank, text.box)
    was, now = (_difference(_crop(each, text.box), ground) for each in (source, drawn))
    old, new = was > _INK, now > _INK
    ink = int(old.sum())
    covered = int((old & new).sum()) / ink
    ghost = int((old & (now > _GHOST) & ~_grown(new)).sum()) / ink
    fresh = int((new & ~old).sum()) / ink
    gone = min(1.0, (1 - covered) / (1 - _CHANCE)) * (1 - ghost)
    return gone, min(1.0, fresh / _FRESH)


def _pixels(data: bytes) -> Pixels:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def _readable(result: bytes) -> Pixels | None:
    try:
        return _pixels(result)
    except (OSError, SyntaxError, ValueError):  # Pillow's words for what is no picture
        return None


def _crop(pixels: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


def _difference(one: Pixels, other: Pixels) -> Pixels:
    difference: Pixels = abs(one - other).max(axis=2)
    return difference


def _grown(mask: Mask) -> Mask:
    import numpy as np
    from PIL import Image, ImageFilter

    grown: Any = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(_NEAR))
    return np.asarray(grown) > 0
