import pytest
from google.cloud.vision_v1 import TextAnnotation
from google.protobuf.json_format import ParseDict

from shared.providers.vision_words import clockwise, recognition

BOX = {"vertices": [{"x": 10, "y": 20}, {"x": 50, "y": 20}, {"x": 50, "y": 30}, {"x": 10, "y": 30}]}


def languages(*codes):
    return {"detectedLanguages": [{"languageCode": c, "confidence": k} for c, k in codes]}


def word(text, after=None, box=BOX, **more):
    symbols = [{"text": c} for c in text]
    if after:
        symbols[-1]["property"] = {"detectedBreak": after if isinstance(after, dict) else {"type": after}}
    return {"symbols": symbols, "boundingBox": box, "confidence": 0.9, **more}


def page(*paragraphs, **more):
    blocks = [{"paragraphs": [{"words": list(words)}]} for words in paragraphs]
    return {"pages": [{"blocks": blocks, **more}]}


def read(annotation, width=100, height=80):
    return recognition(ParseDict(annotation, TextAnnotation.pb()()), width, height)


def test_words_come_with_places_in_vision_s_order():
    found = read(page([word("Hello", "SPACE"), word("you", "LINE_BREAK")], [word("Bye")]))
    assert [w.text for w in found.words] == ["Hello", "you", "Bye"]
    assert [(w.block, w.paragraph) for w in found.words] == [(0, 0), (0, 0), (1, 1)]
    assert found.words[0].polygon == [(10, 20), (50, 20), (50, 30), (10, 30)]
    assert found.words[0].confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("after", "space", "line_end"),
    [
        ("SPACE", True, False),
        ("SURE_SPACE", True, False),
        ("EOL_SURE_SPACE", True, True),
        ("LINE_BREAK", True, True),
        ("HYPHEN", False, True),
        (None, False, False),
        ({"type": "SPACE", "isPrefix": True}, False, False),
    ],
)
def test_a_break_says_what_follows_the_word(after, space, line_end):
    (found,) = read(page([word("Wort", after)])).words
    assert (found.space_after, found.line_end) == (space, line_end)


def test_a_coordinate_left_out_is_zero_and_none_leaves_the_picture():
    box = {"vertices": [{}, {"x": 120}, {"x": 120, "y": 9}, {"x": -3, "y": 9}]}
    (found,) = read(page([word("edge", box=box)])).words
    assert found.polygon == [(0, 0), (100, 0), (100, 9), (0, 9)]


def test_normalised_corners_are_scaled_to_the_picture():
    corners = [(0.1, 0.25), (0.5, 0.25), (0.5, 0.5), (0.1, 0.5)]
    box = {"normalizedVertices": [{"x": x, "y": y} for x, y in corners]}
    (found,) = read(page([word("part", box=box)])).words
    assert found.polygon[0] == pytest.approx((10, 20))
    assert found.polygon[2] == pytest.approx((50, 40))


def test_a_text_turned_upside_down_keeps_its_own_first_corner():
    turned = [(50.0, 30.0), (10.0, 30.0), (10.0, 20.0), (50.0, 20.0)]
    assert clockwise(turned) == turned
    assert clockwise([turned[0], *reversed(turned[1:])]) == turned


def test_words_without_text_or_place_are_left_out():
    assert read(page([word(" "), word("x", box={}), word("y")])).words[0].text == "y"


def test_nothing_read_is_a_result_without_words():
    found = read({})
    assert (found.words, found.language, found.width, found.height) == ([], None, 100, 80)


def test_a_word_s_language_is_its_own_or_its_paragraph_s():
    annotation = page([word("Hola", property=languages(("es", 1))), word("you")])
    annotation["pages"][0]["blocks"][0]["paragraphs"][0]["property"] = languages(("und", 1), ("en", 0.5))
    assert [w.language for w in read(annotation).words] == ["es", "en"]


def test_the_language_is_the_page_s_most_certain_or_that_of_most_letters():
    words = [word("ab", property=languages(("fr", 0))), word("abcdef", property=languages(("de", 0)))]
    assert read(page(words)).language == "de"
    assert read(page(words, property=languages(("und", 1), ("en", 0.2), ("fr", 0.7)))).language == "fr"
