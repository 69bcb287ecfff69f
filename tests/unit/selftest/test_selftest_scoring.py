"""What the self-test's score notices of a translated card."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from shared.selftest import card
from shared.selftest.scoring import ENOUGH, score
from shared.selftest.stages import Stage

WORDS = card.words()
READ = [text.text for text in WORDS.texts]
SPANISH = ["El museo está cerrado hoy", "El pan y el agua son gratis", "Cierre la puerta"]


def array(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def translated(erased=None, texts=SPANISH):
    """The card with other texts, drawn over `erased` (the card's own ground unless told otherwise)."""
    image = Image.fromarray(array(card.ground()) if erased is None else erased)
    pen = ImageDraw.Draw(image)
    for text, wording in zip(WORDS.texts, texts, strict=True):
        left, top, _, _ = text.box
        pen.text((left + 8, top + 4), wording, font=ImageFont.load_default(text.size), fill=text.ink)
    return np.array(image)


def judged(result, read=READ, texts=SPANISH):
    return score(WORDS, read, texts, png(result))


def test_a_good_translation_passes():
    quality = judged(translated())
    assert quality.poor is None, quality
    assert (quality.read, quality.translated, quality.kept) == (1, 1, 1)


def test_words_read_wrong_missed_or_made_up_are_noticed():
    assert judged(translated(), read=READ[:2]).poor is Stage.RECOGNISE
    wrong = [text.replace("e", "c") for text in READ]
    assert judged(translated(), read=wrong).read < ENOUGH
    assert judged(translated(), read=[*READ, "and seven words more that are not there"]).read < ENOUGH
    assert judged(translated(), read=[]).read == 0


def test_a_translation_that_says_something_else_is_noticed():
    quality = judged(translated(), texts=["El gato", "El pan", "La casa"])
    assert quality.poor is Stage.TRANSLATE
    assert quality.translated < ENOUGH
    assert judged(translated(), texts=READ).translated == 0


def test_a_card_that_was_left_as_it_is_has_nothing_erased_and_nothing_drawn():
    quality = judged(array(card.picture()))
    assert (quality.erased, quality.drawn) == (0, 0)


def test_a_text_drawn_over_the_one_that_was_there_is_noticed():
    quality = judged(translated(erased=array(card.picture())))
    assert quality.erased == 0
    assert quality.poor is Stage.DRAW


@pytest.mark.parametrize("left", [0.3, 0.08])
def test_a_ghost_of_the_old_text_is_noticed(left):
    source, ground = array(card.picture()).astype(float), array(card.ground()).astype(float)
    ghost = (ground + left * (source - ground)).astype(np.uint8)
    assert judged(translated(erased=ghost)).erased < ENOUGH


def test_erasing_without_drawing_is_noticed():
    quality = judged(array(card.ground()))
    assert (quality.erased, quality.drawn) == (1, 0)


def test_one_text_of_three_that_was_forgotten_is_noticed():
    result = translated()
    left, top, right, bottom = WORDS.texts[2].box
    result[top:bottom, left:right] = array(card.picture())[top:bottom, left:right]
    quality = judged(result)
    assert quality.erased < ENOUGH
    assert quality.drawn < ENOUGH


def test_a_drawing_that_was_touched_is_noticed():
    result = translated()
    left, top, right, bottom = WORDS.kept
    result[top : top + (bottom - top) // 3, left:right] += 1
    assert judged(result).kept == pytest.approx(2 / 3, abs=0.01)


@pytest.mark.parametrize("result", [png(translated()[:-1]), b"", b"no picture", png(translated())[:2000]])
def test_a_result_that_is_no_picture_of_the_card_is_noticed(result):
    quality = score(WORDS, READ, SPANISH, result)
    assert quality.poor is Stage.DRAW
    assert (quality.erased, quality.kept) == (0, 0)
