"""The provider adapters against the local cloud's own Vision and Translation engines."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from shared.core.config import ChannelSettings
from shared.providers.errors import ProviderRefused, UnsupportedPair
from shared.providers.translate import Translator
from shared.providers.vision import VisionRecognizer

ROOT = Path(__file__).parents[2]


class Engine:
    """An engine process on a free port, with its counters."""

    def __init__(self, name, folder, *flags, **environment):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.name, self.folder = name, folder
        command = [sys.executable, "-m", f"local.engines.{name}", "--port", str(self.port)]
        command += ["--state", str(folder), *flags]
        environment = {**os.environ, **environment}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(1200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"{name} did not start")

    def calls(self):
        return json.loads((self.folder / "counters" / f"{self.name}.json").read_text())["calls"]

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def translation(tmp_path_factory):
    engine = Engine("translation", tmp_path_factory.mktemp("translation"), IMANGOR_LOCAL_TRANSLATION="pseudo")
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def vision(tmp_path_factory):
    engine = Engine("vision", tmp_path_factory.mktemp("vision"), "--storage", "http://127.0.0.1:1")
    yield engine
    engine.stop()


@pytest.fixture
def translator(translation):
    address = f"127.0.0.1:{translation.port}"
    return Translator("imangor-local", ChannelSettings(insecure_channels=True, translate_endpoint=address))


@pytest.fixture
def recognizer(vision):
    address = f"127.0.0.1:{vision.port}"
    return VisionRecognizer(ChannelSettings(insecure_channels=True, vision_endpoint=address))


def test_a_call_of_texts_is_one_call_of_the_engine(translator, translation):
    before = translation.calls().get("TranslateText", 0)
    results, _ = translator.translate(["No smoking", "Exit & <b>go</b>"], "en", "es")
    assert [r.text for r in results] == ["⟦Ñö smökîñg⟧", "⟦Éxît & <b>gö</b>⟧"]
    assert translation.calls()["TranslateText"] == before + 1


def test_the_source_language_is_detected_where_none_is_given(translator):
    results, _ = translator.translate(["Please keep your ticket until the end of the journey"], None, "es")
    assert results[0].detected == "en"


def test_a_pair_of_one_language_is_unsupported(translator):
    with pytest.raises(UnsupportedPair, match="from 'en' to 'en'"):
        translator.translate(["x"], "en", "en")


def test_the_engine_s_languages_are_listed(translator):
    languages = {language.code: language for language in translator.languages()}
    assert languages["es"].target
    assert languages["en"].source


def test_words_of_a_picture_stand_where_they_were_drawn(recognizer, vision):
    picture = Image.new("RGB", (640, 240), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(48)
    draw.text((40, 40), "Museum entrance", fill="black", font=font)
    draw.text((40, 140), "Tickets", fill="black", font=font)
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    found, call = recognizer.recognise(sink.getvalue(), 640, 240, "en")
    assert [w.text for w in found.words] == ["Museum", "entrance", "Tickets"]
    assert [w.line_end for w in found.words] == [False, True, True]
    left, top = found.words[0].polygon[0]
    assert (left, top) == pytest.approx((40, 45), abs=15)
    assert found.language == "en"
    assert (call.units, vision.calls()["BatchAnnotateImages"]) == (1, 1)


def test_a_picture_without_text_gives_no_words(recognizer):
    sink = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(sink, "PNG")
    assert recognizer.recognise(sink.getvalue(), 64, 64)[0].words == []


def test_what_is_no_picture_is_refused(recognizer):
    with pytest.raises(ProviderRefused):
        recognizer.recognise(b"not a picture", 1, 1)
