"""What a recognition engine read, before anybody grouped it: words where they stand."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Point = tuple[float, float]
Polygon = Annotated[list[Point], Field(min_length=4, max_length=4)]


class Word(BaseModel):
    """One word as the engine saw it.

    `polygon` runs clockwise from the text's own top-left corner, in pixels of the picture given to the
    engine. `block` and `paragraph` are the engine's own counting; grouping may disagree with it.
    `space_after` tells whether white space follows, `line_end` whether the engine ends a line here.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str
    polygon: Polygon
    confidence: float = Field(ge=0, le=1)
    language: str | None = None
    block: int = 0
    paragraph: int = 0
    space_after: bool = True
    line_end: bool = False


class Recognition(BaseModel):
    """All words of one picture of `width` x `height` pixels, in the engine's reading order."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    language: str | None = None
    words: list[Word]

    def scaled(self, width: int, height: int) -> Recognition:
        """The same words in the coordinates of the same picture at another size."""
        fx, fy = width / self.width, height / self.height
        words = [
            w.model_copy(update={"polygon": [(x * fx, y * fy) for x, y in w.polygon]}) for w in self.words
        ]
        return self.model_copy(update={"width": width, "height": height, "words": words})
