"""The scene as a document: strict, versioned, and joined with its translations."""

import pytest
from pydantic import ValidationError

from shared.scenes.recognition import Recognition, Word
from shared.scenes.repository import translated
from shared.scenes.schemas import Block, Flag, Line, Scene, Source, Style, Translation

SQUARE = [(0, 0), (10, 0), (10, 5), (0, 5)]


def block(name, text="Exit", **more):
    return Block(
        id=name,
        polygon=SQUARE,
        lines=[Line(polygon=SQUARE, text=text)],
        text=text,
        style=Style(size=5),
        **more,
    )


def scene(*blocks):
    source = Source(sha256="0" * 64, media_type="image/png", width=20, height=10)
    return Scene(source=source, engine="test", blocks=list(blocks))


def test_a_scene_survives_being_written_down():
    before = scene(
        block("b1", translations={"es": Translation(text="Salida", engine="x", flags=[Flag.TOO_SMALL])})
    )
    assert Scene.model_validate_json(before.model_dump_json()) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"medium": "speech"},
        {"unknown": 1},
        {"blocks": [{"id": "1"}]},
        {"source": {"sha256": "0", "media_type": "image/png", "width": 1, "height": 1}},
        {"source": {"sha256": "0" * 64, "media_type": "image/png", "width": 0, "height": 1}},
    ],
)
def test_a_wrong_document_is_refused(wrong):
    with pytest.raises(ValidationError):
        Scene.model_validate(scene().model_dump() | wrong)


def test_translations_are_put_into_the_blocks_they_belong_to():
    one = Translation(text="Salida", engine="x")
    joined = translated(scene(block("b1"), block("b2")), "es", {"b1": one, "b9": one})
    assert [each.translations for each in joined.blocks] == [{"es": one}, {}]


def test_a_translation_of_one_language_leaves_the_others():
    es, fr = Translation(text="Salida", engine="x"), Translation(text="Sortie", engine="x")
    joined = translated(translated(scene(block("b1")), "es", {"b1": es}), "fr", {"b1": fr})
    assert joined.blocks[0].translations == {"es": es, "fr": fr}


def test_recognition_is_scaled_without_touching_the_original():
    word = Word(text="Exit", polygon=SQUARE, confidence=1)
    recognition = Recognition(width=100, height=50, words=[word])
    larger = recognition.scaled(200, 200)
    assert (larger.width, larger.height) == (200, 200)
    assert larger.words[0].polygon == [(0, 0), (20, 0), (20, 20), (0, 20)]
    assert recognition.words[0].polygon == SQUARE


def test_a_refusal_does_not_quote_the_text():
    content = "secret words"
    for model, wrong in ((Style, {"size": content}), (Word, {"text": "a", "polygon": content})):
        with pytest.raises(ValidationError) as failure:
            model.model_validate(wrong)
        assert content not in str(failure.value)
    with pytest.raises(ValidationError) as failure:
        Recognition.model_validate({"width": 1, "height": 1, "words": content})
    assert content not in str(failure.value)
