"""From Vision's TextAnnotation to our recognition result. Pure; the messages are the raw protobuf ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared.scenes.recognition import Point, Recognition, Word

_SPACE, _SURE_SPACE, _EOL_SURE_SPACE, _HYPHEN, _LINE_BREAK = 1, 2, 3, 4, 5
_ENDS_LINE: Final = frozenset({_EOL_SURE_SPACE, _HYPHEN, _LINE_BREAK})
_ENDS_WORD: Final = frozenset({_SPACE, _SURE_SPACE, _EOL_SURE_SPACE, _LINE_BREAK})


def recognition(annotation: Any, width: int, height: int) -> Recognition:
    """All words of a TextAnnotation of a picture of `width` x `height` pixels, in Vision's order.

    A hyphen that only divides a word at the end of a line is not in the word's text: then the line ends
    and no space follows.
    """
    words = list(_words(annotation, width, height))
    return Recognition(width=width, height=height, language=_language(annotation, words), words=words)


def clockwise(points: list[Point]) -> list[Point]:
    """The same four corners, clockwise (y grows downwards), from the same first corner."""
    area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True))
    return points if area >= 0 else [points[0], *reversed(points[1:])]


def _words(annotation: Any, width: int, height: int) -> Iterator[Word]:
    block_number = paragraph_number = 0
    for page in annotation.pages:
        for block in page.blocks:
            for paragraph in block.paragraphs:
                for raw in paragraph.words:
                    word = _word(raw, width, height)
                    if word is not None:
                        language = word.language or _first_language(paragraph) or _first_language(block)
                        numbers = {"block": block_number, "paragraph": paragraph_number}
                        yield word.model_copy(update={"language": language, **numbers})
                paragraph_number += 1
            block_number += 1


def _word(raw: Any, width: int, height: int) -> Word | None:
    """One word, or None for one without text or without a place."""
    text = "".join(symbol.text for symbol in raw.symbols)
    points = _points(raw.bounding_box, width, height)
    if not text.strip() or points is None:
        return None
    after = raw.symbols[-1].property.detected_break
    kind = 0 if after.is_prefix else after.type_
    return Word(
        text=text,
        polygon=clockwise(points),
        confidence=min(1.0, max(0.0, raw.confidence)),
        language=_first_language(raw),
        space_after=kind in _ENDS_WORD,
        line_end=kind in _ENDS_LINE,
    )


def _points(box: Any, width: int, height: int) -> list[Point] | None:
    """The four corners in pixels within the picture. Vision leaves a coordinate out where it is 0."""
    if len(box.vertices) == 4:
        corners = [(float(v.x), float(v.y)) for v in box.vertices]
    elif len(box.normalized_vertices) == 4:
        corners = [(v.x * width, v.y * height) for v in box.normalized_vertices]
    else:
        return None
    return [(min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))) for x, y in corners]


def _first_language(element: Any) -> str | None:
    for language in element.property.detected_languages:
        if language.language_code not in {"", "und"}:
            return str(language.language_code)
    return None


def _language(annotation: Any, words: Iterable[Word]) -> str | None:
    """The page's own most certain language, or else the one of most letters."""
    found = [
        (language.confidence, language.language_code)
        for page in annotation.pages
        for language in page.property.detected_languages
        if language.language_code not in {"", "und"}
    ]
    if found:
        return str(max(found, key=lambda pair: pair[0])[1])
    letters: Counter[str] = Counter()
    for word in words:
        if word.language:
            letters[word.language] += len(word.text)
    return letters.most_common(1)[0][0] if letters else None
