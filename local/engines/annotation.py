"""Paragraphs of lines as Vision's answer: pages, blocks, paragraphs, words, symbols, breaks and the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.cloud.vision_v1.types import image_annotator, text_annotation

from local.engines.geometry import Quad
from local.engines.lines import Line, Word

_Break = text_annotation.TextAnnotation.DetectedBreak.BreakType
_TEXT_BLOCK = int(text_annotation.Block.BlockType.TEXT)
_SIGNS = {int(_Break.SPACE): " ", int(_Break.EOL_SURE_SPACE): "\n", int(_Break.LINE_BREAK): "\n"}


def annotate(
    paragraphs: list[list[Line]],
    width: int,
    height: int,
    language: str,
    certainty: float,
    languages: Sequence[str],
) -> Any:
    """An AnnotateImageResponse (protobuf); empty when there is no paragraph.

    `language` is a BCP-47 tag, `certainty` a number from 0 to 1, the size is in pixels; `languages` are those
    of the paragraphs.
    """
    answer = image_annotator.AnnotateImageResponse.pb()()
    if not paragraphs:
        return answer
    full = answer.full_text_annotation
    page = full.pages.add(width=width, height=height)
    _tell_language(page, language, certainty)
    found: list[tuple[Word, int]] = []
    for lines, own in zip(paragraphs, languages, strict=True):
        found += _add_block(page, lines, own)
    page.confidence = float(np.mean([block.confidence for block in page.blocks]))
    full.text = "".join(word.text + _SIGNS.get(end, "") for word, end in found).rstrip("\n")
    whole = answer.text_annotations.add(locale=language, description=full.text)
    _draw(whole.bounding_poly, _around([word.quad for word, _ in found]))
    for word, _ in found:
        _draw(answer.text_annotations.add(description=word.text).bounding_poly, word.quad)
    return answer


def _add_block(page: Any, lines: list[Line], language: str) -> list[tuple[Word, int]]:
    """One block of one paragraph; gives its words with the break after each."""
    block = page.blocks.add(block_type=_TEXT_BLOCK)
    paragraph = block.paragraphs.add()
    outline = _outline(lines)
    for part in (block, paragraph):
        _draw(part.bounding_box, outline)
        part.confidence = float(np.mean([line.confidence for line in lines]))
        _tell_language(part, language, 1.0)
    ended = [(word, _break(word, line, lines)) for line in lines for word in line.words]
    for word, end in ended:
        _add_word(paragraph, word, end, language)
    return ended


def _break(word: Word, line: Line, lines: list[Line]) -> int:
    if word is not line.words[-1]:
        return int(_Break.SPACE) if word.space else int(_Break.UNKNOWN)
    if line is lines[-1] or line.unspaced:
        return int(_Break.LINE_BREAK)
    return int(_Break.EOL_SURE_SPACE)


def _add_word(paragraph: Any, word: Word, end: int, language: str) -> None:
    entry = paragraph.words.add(confidence=float(np.mean([s.confidence for s in word.symbols])))
    _draw(entry.bounding_box, word.quad)
    _tell_language(entry, language, 1.0)
    for symbol in word.symbols:
        letter = entry.symbols.add(text=symbol.text, confidence=symbol.confidence)
        _draw(letter.bounding_box, symbol.quad)
    if end:
        entry.symbols[-1].property.detected_break.type_ = end


def _tell_language(part: Any, language: str, certainty: float) -> None:
    if language != "und":
        part.property.detected_languages.add(language_code=language, confidence=certainty)


def _draw(poly: Any, quad: Quad) -> None:
    for x, y in np.rint(quad).astype(int).tolist():
        poly.vertices.add(x=x, y=y)


def _around(quads: list[Quad]) -> Quad:
    corners = np.concatenate(quads)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _outline(lines: list[Line]) -> Quad:
    """The smallest quad around lines in the direction of the first one."""
    first = lines[0].quad
    along = (first[1] - first[0]) / max(1e-6, float(np.linalg.norm(first[1] - first[0])))
    axes = np.array([along, [-along[1], along[0]]])
    box = _around([line.quad @ axes.T for line in lines])
    return (box @ axes).astype(np.float32)
