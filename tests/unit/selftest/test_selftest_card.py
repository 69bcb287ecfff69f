"""The committed card is the one that is described, so that what is expected of it can be had."""

import io

import numpy as np
import pytest
from PIL import Image

from shared.selftest import card
from tools import make_card
from tools.fonts import DEFAULT as FONTS


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    make_card.main(["--fonts", str(FONTS), "--to", str(folder)])
    return folder


def test_the_committed_pictures_are_those_that_the_tool_draws(drawn):
    for name, kept in (("card.png", card.picture()), ("ground.png", card.ground())):
        assert np.array_equal(pixels((drawn / name).read_bytes()), pixels(kept)), name


def test_ink_stands_in_the_boxes_of_the_texts_and_nowhere_else():
    ink = (pixels(card.picture()) != pixels(card.ground())).any(axis=2)
    for text in card.words().texts:
        left, top, right, bottom = text.box
        assert ink[top:bottom, left:right].sum() > 1000, text.text
        ink[top:bottom, left:right] = False
    assert not ink.any()


def test_a_picture_is_small_enough_to_be_in_every_bundle():
    assert len(card.picture()) + len(card.ground()) < 64 * 1024
