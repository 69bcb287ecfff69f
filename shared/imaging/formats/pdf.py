"""PDF: the translated picture as it looks, with its text beneath for search, selection and screen readers.

The text is laid invisibly, in a font whose one shape is a box, so that nothing depends on a reader's fonts
and every script takes two bytes a character.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import bidirectional

import fontTools.fontBuilder
import fontTools.pens.ttGlyphPen
import numpy as np

from shared.imaging.files.encode import encode
from shared.imaging.formats.page import FinishedPage
from shared.imaging.formats.written import WrittenLine, all_lines
from shared.imaging.typesetting.shape import Run

if TYPE_CHECKING:
    import pikepdf

# fontTools carries no types.
_builder: Any = fontTools.fontBuilder
_pen: Any = fontTools.pens.ttGlyphPen

POINTS = 0.75
"""Points of a pixel: 96 pixels to an inch, as in CSS."""

ADVANCE = 500
"""Advance of every character, in thousandths of an em."""

_ENTRIES = 100  # a ToUnicode map may have no more in one section


def pdf(pages: Sequence[FinishedPage], target: str) -> bytes:
    """A document with a page for each page of the picture."""
    import pikepdf

    document = pikepdf.new()
    document.Root.Lang = pikepdf.String(target)
    lines = [all_lines(page.texts, target) for page in pages]
    runs = (run for of_page in lines for line in of_page for run in line.placed.shaped.runs)
    characters = sorted({char for run in runs for char in run.word.text})
    codes = {char: number for number, char in enumerate(characters, start=1)}
    font = _font(document, characters)
    for page, of_page in zip(pages, lines, strict=True):
        _add_page(document, page, of_page, codes, font)
    out = io.BytesIO()
    document.save(out, compress_streams=True, deterministic_id=True)
    return out.getvalue()


def _add_page(
    document: pikepdf.Pdf, page: FinishedPage, lines: list[WrittenLine], codes: dict[str, int], font: Any
) -> None:
    import pikepdf

    width, height = page.picture.width * POINTS, page.picture.height * POINTS
    image = _image(document, page)
    drawing = [f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /Im0 Do Q", "BT 3 Tr"]
    drawing += [_shown(line, page.picture.height, codes) for line in lines if line.text.strip()]
    drawing.append("ET")
    content = document.make_stream("\n".join(drawing).encode())
    added = document.add_blank_page(page_size=(width, height))
    added.obj.Contents = content
    added.obj.Resources = pikepdf.Dictionary(
        XObject=pikepdf.Dictionary(Im0=image), Font=pikepdf.Dictionary(F0=font)
    )


def _shown(line: WrittenLine, height: int, codes: dict[str, int]) -> str:
    """The operators that lay the line's characters over their places, in the order they are read.

    Each run is laid in its own direction: what is read from right to left begins at its right end.
    """
    runs = line.placed.shaped.runs
    return "\n".join(_laid(line, run, height, codes) for run in (reversed(runs) if line.rtl else runs))


def _laid(line: WrittenLine, run: Run, height: int, codes: dict[str, int]) -> str:
    text, length = run.word.text, (run.word.advance or run.word.down) * line.size
    a, b, c, d, e, f = line.affine((run.y if line.vertical else run.x) * line.size, length)
    x, y = line.placed.x + run.x * line.size, line.placed.y + run.y * line.size
    along, up = (a, b), (-c, -d)
    if line.vertical:
        along, up = (c, d), (a, b)
    elif any(bidirectional(char) in {"R", "AL"} for char in text):
        x, along = x + length, (-a, -b)
    stretch = max(1e-3, length / (len(text) * line.size * ADVANCE / 1000))
    matrix = (stretch * along[0], -stretch * along[1], up[0], -up[1])
    place = (POINTS * (a * x + c * y + e), POINTS * (height - (b * x + d * y + f)))
    shown = "".join(f"{codes[char]:04x}" for char in text)
    # The size stands with the font: readers pass over text of size 1, however much its matrix enlarges it.
    numbers = " ".join(f"{v:.4f}" for v in (*matrix, *place))
    return f"/F0 {line.size * POINTS:.3f} Tf {numbers} Tm <{shown}> Tj"


def _image(document: pikepdf.Pdf, page: FinishedPage) -> Any:
    """The finished picture as an image object: a JPEG stays one, anything else is kept without loss."""
    import pikepdf

    picture = page.picture
    image: Any
    if picture.media_type == "image/jpeg":
        image = document.make_stream(encode(picture, page.rgb, None))
        image.Filter = pikepdf.Name.DCTDecode
        grey = picture.grey and picture.icc is None and not np.ptp(page.rgb, axis=2).any()
    else:
        grey = False
        image = document.make_stream(zlib.compress(np.ascontiguousarray(page.rgb).tobytes(), 6))
        image.Filter = pikepdf.Name.FlateDecode
    image.ColorSpace = _colours(document, None if grey else picture.icc, grey=grey)
    _describe(image, page)
    if page.alpha is not None:
        mask: Any = document.make_stream(zlib.compress(page.alpha.tobytes(), 6))
        mask.Filter, mask.ColorSpace = pikepdf.Name.FlateDecode, pikepdf.Name.DeviceGray
        _describe(mask, page)
        image.SMask = mask
    return image


def _describe(image: Any, page: FinishedPage) -> None:
    import pikepdf

    image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    image.Width, image.Height, image.BitsPerComponent = page.picture.width, page.picture.height, 8


def _colours(document: pikepdf.Pdf, icc: bytes | None, *, grey: bool) -> Any:
    import pikepdf

    if icc is None:
        return pikepdf.Name.DeviceGray if grey else pikepdf.Name.DeviceRGB
    profile: Any = document.make_stream(icc)
    profile.N = 3
    return pikepdf.Array([pikepdf.Name.ICCBased, document.make_indirect(profile)])


def _font(document: pikepdf.Pdf, characters: Sequence[str]) -> Any:
    """A composite font whose codes are the characters' places in the list, counted from 1."""
    import pikepdf

    name = pikepdf.Name("/Boxes")
    file = document.make_stream(_boxes())
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor,
        FontName=name,
        Flags=4,
        FontBBox=[0, -200, ADVANCE, 800],
        ItalicAngle=0,
        Ascent=800,
        Descent=-200,
        CapHeight=700,
        StemV=80,
        FontFile2=file,
    )
    descendant = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=pikepdf.Dictionary(
            Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0
        ),
        FontDescriptor=document.make_indirect(descriptor),
        DW=ADVANCE,
        CIDToGIDMap=document.make_stream(bytes(2 * (len(characters) + 1))),
    )
    return document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type0,
            BaseFont=name,
            Encoding=pikepdf.Name("/Identity-H"),
            DescendantFonts=[document.make_indirect(descendant)],
            ToUnicode=document.make_stream(_to_unicode(characters)),
        )
    )


def _boxes() -> bytes:
    """A TrueType font whose one glyph fills its place: readers measure by it, and pass over empty ones."""
    pen = _pen.TTGlyphPen(None)
    for number, corner in enumerate(((0, -200), (0, 800), (ADVANCE, 800), (ADVANCE, -200))):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    builder = _builder.FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (ADVANCE, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    out = io.BytesIO()
    builder.font.recalcTimestamp = False
    builder.save(out)
    return out.getvalue()


def _to_unicode(characters: Sequence[str]) -> bytes:
    """The map from codes to characters (ISO 32000-1, 9.10.3)."""
    pairs = [
        f"<{code:04x}> <{char.encode('utf-16-be').hex()}>" for code, char in enumerate(characters, start=1)
    ]
    sections = [pairs[i : i + _ENTRIES] for i in range(0, len(pairs), _ENTRIES)]
    body = "".join(f"{len(s)} beginbfchar\n{chr(10).join(s)}\nendbfchar\n" for s in sections)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{body}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
