"""A translated picture: the source with the text of some blocks replaced, everything else as it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.core.errors import Conflict
from shared.imaging.areas import restore
from shared.imaging.draw.contrast import alike, readable
from shared.imaging.draw.draw import draw
from shared.imaging.erase.erase import erase
from shared.imaging.files.decode import Picture, decode
from shared.imaging.files.derivative import flattened
from shared.imaging.files.encode import encode, encode_pages
from shared.imaging.fit.layouts import SetText, lay_out, wordings
from shared.imaging.frame import Points, bounds, filled
from shared.imaging.ink.colours import from_hex
from shared.imaging.ink.samples import some_of
from shared.imaging.pages import of_page
from shared.imaging.pixels import Pixels
from shared.imaging.typesetting.fonts import FontLibrary
from shared.scenes.schemas import Flag, Scene

_SHARP = 0.5  # softness of text that was drawn with anti-aliasing and not blurred


@dataclass(frozen=True)
class Drawn:
    """What became of a block: the wording, the em height in pixels, and the characters no font has.

    `allowed` and `ink` are polygons in the picture: what the text was kept in, and what it fills.
    """

    text: str
    size: float
    missing: frozenset[str]
    allowed: Points
    ink: Points | None


@dataclass(frozen=True)
class Rendered:
    """An encoded picture, and for each drawn block what a reader of it should know."""

    data: bytes
    media_type: str
    flags: dict[str, list[Flag]] = field(default_factory=dict)
    drawn: dict[str, Drawn] = field(default_factory=dict)


@dataclass(frozen=True)
class Painted:
    """One page: the picture it was, and the pixels it became."""

    picture: Picture
    rgb: Pixels
    alpha: Pixels | None
    flags: dict[str, list[Flag]]
    drawn: dict[str, Drawn]


def render(source: bytes | Picture, scene: Scene, target: str, fonts: FontLibrary) -> Rendered:
    """Draw the `target` translations of `scene` into its picture, in the picture's own format.

    A block whose translation is missing, empty or equal to the source text is not touched. The result
    carries no EXIF; profile and alpha are the source's. All pages of a source with several are drawn; such a
    source is given as bytes. Raises what `decode` raises, and Conflict when the scene was made from a picture
    of another size.
    """
    if isinstance(source, Picture):
        pages = [paint(source, scene, target, fonts)]
    else:
        count = max(1, len(scene.source.pages))
        pages = [paint(decode(source, n), of_page(scene, n), target, fonts) for n in range(count)]
    return finish(pages)


def finish(pages: Sequence[Painted]) -> Rendered:
    """The pages of one picture, encoded together."""
    first = pages[0]
    if len(pages) == 1:
        data = encode(first.picture, first.rgb, first.alpha)
    else:
        data = encode_pages([(page.picture, page.rgb, page.alpha) for page in pages])
    flags = {block: flags for page in pages for block, flags in page.flags.items()}
    drawn = {block: drawn for page in pages for block, drawn in page.drawn.items()}
    return Rendered(data, first.picture.media_type, flags, drawn)


@dataclass(frozen=True)
class Composed:
    """A page without its old texts, and the new ones ready to be drawn on it.

    `softness` is the blur in pixels (standard deviation) for each block's new text.
    """

    picture: Picture
    rgb: Pixels
    alpha: Pixels | None
    texts: list[SetText]
    softness: dict[str, float]


def compose(picture: Picture, scene: Scene, target: str, fonts: FontLibrary) -> Composed:
    """Erase the texts of one page that are replaced, and set the new ones. Raises Conflict."""
    if (scene.source.width, scene.source.height) != picture.size:
        raise Conflict("The scene belongs to another picture: its size differs.")
    changed = [block for block in scene.blocks if wordings(block, target)]
    ids = {block.id for block in changed}
    kept = [block for block in scene.blocks if block.id not in ids]
    rgb = picture.rgb.copy()
    alpha = None if picture.alpha is None else picture.alpha.copy()
    soft = erase(rgb, alpha, changed, kept, picture.sha256)
    _leave_alone(picture, rgb, alpha, scene)
    # What is transparent is no ground to go on to.
    ground = flattened(rgb, alpha)
    texts = _readable(lay_out(ground, scene, target, fonts), ground)
    softness = {block.id: _blur(soft.get(block.id, _SHARP)) for block in changed}
    return Composed(picture, rgb, alpha, texts, softness)


def _readable(texts: Sequence[SetText], rgb: Pixels) -> list[SetText]:
    """The texts in inks that can be told from the pixels they are drawn on."""
    inks = alike([(text.block.style.ink, _ink(text, rgb)) for text in texts])
    return [_in_ink(text, ink) for text, ink in zip(texts, inks, strict=True)]


def _ink(text: SetText, rgb: Pixels) -> str:
    style, ink = text.block.style, text.layout.ink
    if ink is None or style.outline is not None:
        return style.ink
    polygon, (height, width) = text.frame.corners(ink), rgb.shape[:2]
    left, top, right, bottom = bounds(polygon, 0, width, height)
    if right <= left or bottom <= top:
        return style.ink
    under = filled((bottom - top, right - left), [polygon], left, top)
    return readable(style.ink, some_of(rgb[top:bottom, left:right][under]))


def _in_ink(text: SetText, ink: str) -> SetText:
    style = text.block.style
    if ink == style.ink:
        return text
    return replace(text, block=text.block.model_copy(update={"style": style.model_copy(update={"ink": ink})}))


def paint(picture: Picture, scene: Scene, target: str, fonts: FontLibrary) -> Painted:
    """The pixels of one page with the scene's text erased and its translations drawn."""
    return paint_on(compose(picture, scene, target, fonts), scene)


def paint_on(page: Composed, scene: Scene) -> Painted:
    """Draw the texts of a composed page onto its pixels, in place."""
    picture = page.picture
    for text in page.texts:
        style = text.block.style
        blur = page.softness[text.block.id]
        ink = from_hex(style.ink)
        draw(page.rgb, page.alpha, text.layout, text.frame, text.allowed, ink, blur, style)
    _leave_alone(picture, page.rgb, page.alpha, scene)
    flags = {text.block.id: list(text.layout.flags) for text in page.texts}
    drawn = {text.block.id: _drawn(text) for text in page.texts}
    return Painted(picture, page.rgb, page.alpha, flags, drawn)


def _leave_alone(picture: Picture, rgb: Pixels, alpha: Pixels | None, scene: Scene) -> None:
    """Put back what stands in areas that the caller excluded, whatever reached into them."""
    restore(rgb, picture.rgb, scene.leave_alone.exclude)
    restore(alpha, picture.alpha, scene.leave_alone.exclude)


def _drawn(text: SetText) -> Drawn:
    layout, frame = text.layout, text.frame
    missing = frozenset[str]().union(*(line.shaped.missing for line in layout.lines))
    ink = None if layout.ink is None else frame.corners(layout.ink)
    return Drawn(text.text, layout.size, missing, frame.corners(text.allowed), ink)


def _blur(softness: float) -> float:
    """What to add to the drawn text's own anti-aliasing so that it is no sharper than the source's."""
    extra = math.sqrt(max(0.0, softness**2 - _SHARP**2))
    return min(extra, 3.0) if extra > 0.35 else 0.0
