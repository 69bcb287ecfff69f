"""hOCR 1.2: the translated text of a picture and where each word of it stands."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from shared.imaging.fit.layouts import SetText
from shared.imaging.formats.page import FinishedPage
from shared.imaging.formats.written import WrittenLine, lines_of, upright

_HEAD = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{language}</title>
<meta name="ocr-system" content="imangor">
<meta name="ocr-capabilities" content="ocr_page ocr_par ocr_line ocrx_word">
<meta name="ocr-number-of-pages" content="{pages}">
</head>
<body>
"""


def hocr(pages: Sequence[FinishedPage], target: str) -> bytes:
    """The pages' new texts in reading order, as hOCR in HTML.

    Specification: https://kba.github.io/hocr-spec/1.2/
    """
    parts = [_HEAD.format(language=escape(target, quote=True), pages=len(pages))]
    for number, page in enumerate(pages):
        size = f"bbox 0 0 {page.picture.width} {page.picture.height}; ppageno {number}"
        parts.append(f'<div class="ocr_page" id="page_{number + 1}" title="{size}">\n')
        parts += [_paragraph(text, target) for text in page.texts]
        parts.append("</div>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode()


def _paragraph(text: SetText, target: str) -> str:
    direction = "rtl" if lines_of(text, target)[0].rtl else "ltr"
    box = _box(*upright(text.frame.corners(text.layout.ink or text.allowed)))
    lines = "".join(_line(line) for line in lines_of(text, target))
    return (
        f'<p class="ocr_par" id="{text.block.id}" lang="{escape(target, quote=True)}" dir="{direction}" '
        f'title="{box}">\n{lines}</p>\n'
    )


def _line(line: WrittenLine) -> str:
    ink = line.placed.shaped.ink
    if ink is None:
        return ""
    title = f"{_box(*upright(line.corners(ink)))}; x_size {line.size:.1f}"
    if line.of.block.angle:
        title += f"; textangle {-line.of.block.angle:.2f}"
    words = " ".join(
        f'<span class="ocrx_word" title="{_box(*upright(polygon))}">{escape(text)}</span>'
        for text, polygon in line.words()
    )
    return f'<span class="ocr_line" title="{title}">{words}</span>\n'


def _box(left: int, top: int, right: int, bottom: int) -> str:
    return f"bbox {max(0, left)} {max(0, top)} {max(0, right)} {max(0, bottom)}"
