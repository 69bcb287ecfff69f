"""The scene: one document for a medium's text, where it stands, how it looks and what it became.

Geometry is in pixels of the upright source picture (EXIF orientation applied). A polygon has four points,
clockwise from the text's own top-left corner. The JSON Schema of this model is published as
`docs/scene.schema.json`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.scenes.recognition import Polygon

Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$", description="sRGB as #rrggbb")]

MAX_AREAS = 50
MAX_TERMS = 200
Area = Annotated[
    list[Annotated[list[Annotated[float, Field(ge=0, le=100_000)]], Field(min_length=2, max_length=2)]],
    Field(
        min_length=2,
        max_length=20,
        description="corners [x, y] of a polygon in pixels of the upright picture; two are those of a box",
    ),
]
Term = Annotated[
    str,
    Field(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>][^\x00-\x1f\x7f<>]*$"
    ),
]


class Flag(StrEnum):
    """What a reader of the result should know about a block."""

    OVERFLOW_RISK = "overflow_risk"
    TOO_SMALL = "too_small"
    LOW_CONFIDENCE = "low_confidence"
    NOT_TRANSLATED = "not_translated"
    MISSING_GLYPH = "missing_glyph"
    UNEVEN_SIZE = "uneven_size"
    EXCLUDED = "excluded"
    TERM_LOST = "term_lost"
    SHORTENED = "shortened"


class SceneModel(BaseModel):
    """Strict: an unknown member is an error, so that a typing mistake cannot pass for data."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Outline(SceneModel):
    """A rim around the letters; `width` is how far it reaches beyond them, in ems."""

    colour: Colour
    width: float = Field(gt=0, le=0.25)


class Shadow(SceneModel):
    """A copy of the letters behind them, moved along and across the baseline, and blurred; lengths in ems."""

    colour: Colour
    along: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.05
    across: Annotated[float, Field(ge=-0.5, le=0.5, description="downwards is positive")] = 0.05
    blur: Annotated[float, Field(ge=0, le=0.3, description="standard deviation")] = 0.0


class Style(SceneModel):
    """How a block's text looks, measured in the source. `size` is the em height in pixels.

    Text of direction `ttb` stands in columns from right to left; its polygons start at the upper left of the
    upright letters, so those of its lines are tall.
    """

    ink: Colour = "#000000"
    ground: Colour = "#ffffff"
    size: float = Field(gt=0)
    weight: int = Field(400, ge=100, le=900)
    italic: bool = False
    family: Literal["sans", "serif", "mono"] = "sans"
    alignment: Literal["left", "center", "right"] = "left"
    direction: Literal["ltr", "rtl", "ttb"] = "ltr"
    line_height: float = Field(1.2, gt=0, description="line pitch as a multiple of size")
    letter_spacing: Annotated[float, Field(ge=-0.1, le=1, description="in ems, after each letter")] = 0.0
    underline: bool = False
    outline: Outline | None = None
    shadow: Shadow | None = None


class Line(SceneModel):
    """One line of source text. `words` holds the words' own polygons, for the erasing mask."""

    polygon: Polygon
    text: str
    words: list[Polygon] = []


class Translation(SceneModel):
    """A block's text in one target language. `text` is empty when the block stays as it is.

    `alternatives` are other wordings, the preferred one first, for where `text` does not fit.
    """

    text: str
    alternatives: list[str] = []
    engine: str = Field(description="what made it, such as translate-v3/nmt, or kept")
    cached: bool = False
    flags: list[Flag] = []

    def worded(self, drawn: str) -> Translation:
        """The same with that of its wordings in first place which was drawn, white space aside."""
        wordings = [self.text, *self.alternatives]
        chosen = next((text for text in wordings if text.split() == drawn.split()), self.text)
        others = [text for text in wordings if text != chosen]
        return self.model_copy(update={"text": chosen, "alternatives": others})


class Block(SceneModel):
    """A paragraph: lines that are read, and so translated, as one text."""

    id: str = Field(pattern=r"^b[0-9]+$")
    page: int = Field(default=0, ge=0, description="page of the source it stands on, counted from 0")
    polygon: Polygon
    angle: float = Field(0.0, description="clockwise rotation of the baseline in degrees")
    lines: list[Line]
    text: str
    language: str | None = None
    confidence: float = Field(1.0, ge=0, le=1)
    style: Style
    translations: dict[str, Translation] = {}
    flags: list[Flag] = []


class Page(SceneModel):
    """The size of one page in pixels, upright."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Source(SceneModel):
    """The picture a scene was read from. `width` and `height` are those of its first page."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    media_type: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    pages: list[Page] = Field(default=[], description="the sizes of all pages, where there are several")


class LeaveAlone(SceneModel):
    """What the caller wants as it is: areas of every page, in pixels, and terms in any text."""

    exclude: list[Area] = Field(default=[], max_length=MAX_AREAS)
    do_not_translate: list[Term] = Field(default=[], max_length=MAX_TERMS)


class Scene(SceneModel):
    """Blocks in reading order, with everything a renderer needs besides the source's bytes."""

    version: Literal[1] = 1
    medium: Literal["picture"] = "picture"
    source: Source
    language: str | None = Field(None, description="the source language, BCP 47")
    engine: str = Field(description="what recognised it, such as vision/document_text")
    leave_alone: LeaveAlone = LeaveAlone()
    blocks: list[Block]
