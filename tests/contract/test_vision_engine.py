"""The local Vision engine as the official client sees it, started as the runner starts it."""

from __future__ import annotations

import http.server
import io
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = vision.Feature.Type.DOCUMENT_TEXT_DETECTION
Break = vision.TextAnnotation.DetectedBreak.BreakType
SIGNS = {Break.UNKNOWN: "", Break.SPACE: " ", Break.EOL_SURE_SPACE: "\n", Break.LINE_BREAK: "\n"}


def drawn(
    *texts: tuple[tuple[int, int], str],
    size: tuple[int, int] = (640, 360),
    turn: float = 0,
    letters: float = 36,
) -> bytes:
    """A PNG of texts on a light ground, turned counter-clockwise by degrees about its middle."""
    picture = Image.new("RGB", size, "#f4f1e8")
    draw = ImageDraw.Draw(picture)
    for place, text in texts:
        draw.text(place, text, fill="#20242c", font=ImageFont.load_default(letters))
    stored = io.BytesIO()
    picture.rotate(turn, Image.Resampling.BICUBIC, fillcolor="#f4f1e8").save(stored, "PNG")
    return stored.getvalue()


SIGN = drawn(((60, 60), "No smoking"), ((60, 240), "Please keep off"), ((60, 288), "the grass today"))


class Bucket(http.server.BaseHTTPRequestHandler):
    """Just enough of Cloud Storage's JSON API to hold one picture."""

    def do_GET(self) -> None:
        found = self.path == f"/storage/v1/b/uploads/o/{urllib.parse.quote('a b/ü.png', safe='')}?alt=media"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(SIGN if found else b"")

    def log_message(self, *_: Any) -> None:
        """Keep the test's output quiet."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vision")


@pytest.fixture(scope="module")
def tessdata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Language data of this test alone: English under Russian's name, so that Russian is there."""
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout
    folder = tmp_path_factory.mktemp("tessdata")
    (folder / "rus.traineddata").symlink_to(Path(listed.split('"')[1]) / "eng.traineddata")
    (folder / "configs").symlink_to(Path(listed.split('"')[1]) / "configs")
    return folder


@pytest.fixture(scope="module")
def client(state: Path, tessdata: Path) -> Iterator[vision.ImageAnnotatorClient]:
    storage = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local.engines.vision", "--port", str(port), "--state", str(state)]
    command += ["--storage", f"http://127.0.0.1:{storage.server_port}"]
    environment = {**os.environ, "TESSDATA_PREFIX": str(tessdata)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as engine:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        grpc.channel_ready_future(channel).result(timeout=30)
        yield vision.ImageAnnotatorClient(transport=ImageAnnotatorGrpcTransport(channel=channel))
        engine.terminate()
        assert engine.wait(timeout=10) == 0
    storage.shutdown()


def request(content: bytes = b"", *hints: str, uri: str = "", feature: Any = DOCUMENT) -> Any:
    source = vision.ImageSource(image_uri=uri) if uri else None
    return vision.AnnotateImageRequest(
        image=vision.Image(content=content, source=source),
        features=[vision.Feature(type_=feature)],
        image_context=vision.ImageContext(language_hints=hints),
    )


def annotated(client: vision.ImageAnnotatorClient, *requests: Any) -> list[Any]:
    return list(client.batch_annotate_images(requests=list(requests)).responses)


def words_of(answer: Any) -> list[Any]:
    pages = answer.full_text_annotation.pages
    return [w for p in pages for b in p.blocks for g in b.paragraphs for w in g.words]


def text_of(words: list[Any]) -> str:
    return "".join(s.text + SIGNS[s.property.detected_break.type_] for w in words for s in w.symbols)


def corners(box: Any) -> np.ndarray:
    return np.array([(v.x, v.y) for v in box.vertices], float)


@pytest.fixture(scope="module")
def sign(client: vision.ImageAnnotatorClient) -> Any:
    return annotated(client, request(SIGN))[0]


def test_a_page_is_told_in_blocks_words_and_breaks(sign: Any) -> None:
    page = sign.full_text_annotation.pages[0]
    assert (page.width, page.height) == (640, 360)
    assert page.property.detected_languages[0].language_code == "en"
    blocks = [text_of([w for g in b.paragraphs for w in g.words]) for b in page.blocks]
    assert blocks == ["No smoking\n", "Please keep off\nthe grass today\n"]
    assert sign.full_text_annotation.text == "No smoking\nPlease keep off\nthe grass today"
    ends = [w.symbols[-1].property.detected_break.type_ for w in words_of(sign)]
    assert ends[:2] == [Break.SPACE, Break.LINE_BREAK]
    assert ends[4] == Break.EOL_SURE_SPACE
    assert all(0.5 < s.confidence <= 1 for w in words_of(sign) for s in w.symbols)


def test_words_stand_where_they_were_drawn(sign: Any) -> None:
    font = ImageFont.load_default(36)
    box = corners(words_of(sign)[1].bounding_box)
    left = 60 + font.getlength("No ")
    assert box[0][0] == pytest.approx(left, abs=8)
    assert box[1][0] == pytest.approx(left + font.getlength("smoking"), abs=8)
    assert 50 < box[0][1] < 72
    assert 92 < box[2][1] < 112


def test_text_annotations_are_the_text_and_then_its_words(sign: Any) -> None:
    first, *rest = sign.text_annotations
    assert first.description == sign.full_text_annotation.text
    assert first.locale == "en"
    expected = ["No", "smoking", "Please", "keep", "off", "the", "grass", "today"]
    assert [entry.description for entry in rest] == expected


@pytest.mark.parametrize("turn", [20, 180])
def test_turned_text_has_turned_quads_from_its_own_top_left(
    client: vision.ImageAnnotatorClient, turn: float
) -> None:
    picture = drawn(((180, 160), "Mind the gap"), turn=turn)
    words = words_of(annotated(client, request(picture))[0])
    assert text_of(words).strip() == "Mind the gap"
    for word in words:
        box = corners(word.bounding_box)
        along = box[1] - box[0]
        seen = -np.degrees(np.arctan2(along[1], along[0]))
        assert abs((seen - turn + 180) % 360 - 180) < 6
    starts = [corners(word.bounding_box)[0] for word in words]
    direction = (starts[2] - starts[0]) / np.linalg.norm(starts[2] - starts[0])
    assert direction @ (np.cos(np.radians(turn)), -np.sin(np.radians(turn))) > 0.98


@pytest.mark.parametrize(
    ("text", "size", "letters"),
    [
        ("The shop is open today", (900, 120), 70),
        ("Se vende esta casa", (1000, 200), 64),
        ("First page here", (500, 200), 62),
        ("Closed", (500, 200), 86),
    ],
)
def test_a_line_that_fills_the_picture_is_read_once_and_straight(
    client: vision.ImageAnnotatorClient, text: str, size: tuple[int, int], letters: float
) -> None:
    place = (
        round(size[0] - ImageFont.load_default(letters).getlength(text)) // 2,
        round(size[1] - letters) // 2,
    )
    answer = annotated(client, request(drawn((place, text), size=size, letters=letters)))[0]
    assert answer.full_text_annotation.text == text
    box = corners(answer.full_text_annotation.pages[0].blocks[0].bounding_box)
    assert abs(np.degrees(np.arctan2(*(box[1] - box[0])[::-1]))) < 1


def test_columns_of_large_letters_stay_apart(client: vision.ImageAnnotatorClient) -> None:
    cells = [((30, 20), "Soup"), ((420, 20), "6.50"), ((30, 150), "Salad"), ((420, 150), "7.00")]
    answer = annotated(client, request(drawn(*cells, size=(620, 260), letters=80)))[0]
    assert answer.full_text_annotation.text.split("\n") == ["Soup", "6.50", "Salad", "7.00"]


def test_a_hinted_script_is_read_by_tesseract_line_by_line(client: vision.ImageAnnotatorClient) -> None:
    answer = annotated(client, request(SIGN, "ru"))[0]
    assert answer.full_text_annotation.text.split("\n")[0] == "No smoking"
    page = answer.full_text_annotation.pages[0]
    assert page.property.detected_languages[0].language_code == "ru"
    box = corners(words_of(answer)[1].bounding_box)
    assert box[0][0] == pytest.approx(60 + ImageFont.load_default(36).getlength("No "), abs=10)


def test_a_script_without_data_names_the_package(client: vision.ImageAnnotatorClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="tesseract-ocr-tha"):
        annotated(client, request(SIGN, "th"))


def test_pictures_are_fetched_from_storage(client: vision.ImageAnnotatorClient) -> None:
    there, absent, foreign = annotated(
        client,
        request(uri="gs://uploads/a b/ü.png", feature=vision.Feature.Type.TEXT_DETECTION),
        request(uri="gs://uploads/missing.png"),
        request(uri="https://example.com/sign.png"),
    )
    assert there.full_text_annotation.text.startswith("No smoking")
    assert (absent.error.code, absent.error.message) == (5, "Error opening file: gs://uploads/missing.png.")
    assert foreign.error.code == 7


def test_bad_pictures_fail_alone(client: vision.ImageAnnotatorClient) -> None:
    large = io.BytesIO()
    Image.new("1", (10_000, 7_501)).save(large, "PNG")
    blank = drawn()
    empty, broken, huge = annotated(client, request(blank), request(b"no picture"), request(large.getvalue()))
    assert empty == vision.AnnotateImageResponse()
    for refused in (broken, huge):
        assert (refused.error.code, refused.error.message) == (3, "Bad image data.")


def test_what_google_refuses_is_refused(client: vision.ImageAnnotatorClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="Too many images per request"):
        annotated(client, *[request(b"x")] * 17)
    with pytest.raises(exceptions.InvalidArgument) as refused:
        annotated(client, request(b"x" * 10_485_760))
    assert refused.value.message == "Request payload size exceeds the limit: 10485760 bytes."
    with pytest.raises(exceptions.InvalidArgument, match="must specify image and features"):
        annotated(client, request())


def test_what_is_missing_says_so(client: vision.ImageAnnotatorClient) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="LABEL_DETECTION"):
        annotated(client, request(SIGN, feature=vision.Feature.Type.LABEL_DETECTION))
    with pytest.raises(exceptions.MethodNotImplemented, match="BatchAnnotateFiles"):
        client.batch_annotate_files(requests=[])


def test_calls_and_pictures_are_counted(client: vision.ImageAnnotatorClient, state: Path) -> None:
    counted = state / "counters" / "vision.json"
    before = json.loads(counted.read_text())
    annotated(client, request(b"x"), request(b"y"))
    after = json.loads(counted.read_text())
    assert after["images"] == before["images"] + 2
    assert after["calls"] == {"BatchAnnotateImages": before["calls"]["BatchAnnotateImages"] + 1}
