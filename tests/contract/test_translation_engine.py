"""The local Translation engine as the official client sees it, started as the runner starts it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import translate_v3 as translate
from google.cloud.translate_v3.services.translation_service.transports import TranslationServiceGrpcTransport

ROOT = Path(__file__).resolve().parents[2]
PARENT = "projects/imangor-local/locations/global"
Start = Callable[..., translate.TranslationServiceClient]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("translation")


@pytest.fixture(scope="module")
def start(state: Path) -> Iterator[Start]:
    """Start an engine in its own process; all end with the module."""
    running: list[subprocess.Popen[bytes]] = []

    def launch(folder: Path = state, **environment: str) -> translate.TranslationServiceClient:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "local.engines.translation",
            "--port",
            str(port),
            "--state",
            str(folder),
        ]
        running.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}))
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        grpc.channel_ready_future(channel).result(timeout=20)
        return translate.TranslationServiceClient(transport=TranslationServiceGrpcTransport(channel=channel))

    yield launch
    for process in running:
        process.terminate()
    for process in running:
        assert process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def client(start: Start) -> translate.TranslationServiceClient:
    return start(IMANGOR_LOCAL_TRANSLATION="")


def translated(client: translate.TranslationServiceClient, *texts: str, **options: Any) -> list[str]:
    request = {"parent": PARENT, "mime_type": "text/plain", "source_language_code": "en"}
    request |= {"target_language_code": "es", "contents": list(texts), **options}
    return [entry.translated_text for entry in client.translate_text(request=request).translations]


def test_text_never_crosses_from_one_string_to_another(client: translate.TranslationServiceClient) -> None:
    texts = ["No smoking", "Caution: wet floor", "No", "Organization"]
    together = translated(client, *texts)
    assert together == [translated(client, text)[0] for text in texts]
    assert together[:2] == ["No fumar", "Precaución: piso mojado"]
    assert together[3] == "Organización"


def test_lines_of_one_string_stay_lines(client: translate.TranslationServiceClient) -> None:
    assert translated(client, " No smoking\n\nCaution: wet floor\n") == [
        " No fumar\n\nPrecaución: piso mojado\n"
    ]


def test_capitals_and_spanish_marks_survive(client: translate.TranslationServiceClient) -> None:
    shouted, question, both = translated(client, "NO SMOKING", "Where is the exit?", "Hello! Where is it?")
    assert shouted == "NO FUMAR"
    assert question.startswith("¿D")
    assert question.endswith("?")
    assert both.startswith("¡Hola! ¿")


def test_marks_of_unknown_words_do_not_show_but_the_texts_own_do(
    client: translate.TranslationServiceClient,
) -> None:
    unknown, tagged = translated(client, "Qwyjibo is red", "Ask @bob now")
    assert "Qwyjibo" in unknown
    assert not set(unknown) & set("*#@")
    assert "@bob" in tagged


def test_what_has_no_words_comes_back_as_it_went(client: translate.TranslationServiceClient) -> None:
    assert translated(client, "12 €", "", " \n", "→ 5") == ["12 €", "", " \n", "→ 5"]


def test_html_is_the_default_and_comes_back_escaped(client: translate.TranslationServiceClient) -> None:
    plain, tagged, entity = translated(
        client, 'The house & the "cat"', "The <b>red house</b>", "The caf&eacute; &lt; house", mime_type=""
    )
    assert "&amp;" in plain
    assert "&quot;" in plain
    assert tagged == "La <b>casa roja</b>"
    assert "&lt;" in entity
    assert "&eacute;" not in entity


def test_the_source_language_is_detected_and_answered(client: translate.TranslationServiceClient) -> None:
    request = {"parent": PARENT, "contents": ["Where is the exit?", "¿Dónde está la salida?"]}
    answer = client.translate_text(
        request={**request, "target_language_code": "es", "mime_type": "text/plain"}
    )
    assert [entry.detected_language_code for entry in answer.translations] == ["en", "es"]
    assert answer.translations[1].translated_text == "¿Dónde está la salida?"
    found = client.detect_language(parent=PARENT, content="La salida está cerrada", mime_type="text/plain")
    assert found.languages[0].language_code == "es"


def test_regional_tags_find_their_pair(client: translate.TranslationServiceClient) -> None:
    options = {"source_language_code": "es-ES", "target_language_code": "pt-BR"}
    assert translated(client, "La casa roja", **options) == ["A casa vermelha"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_language_code": "ja"}, "Bad language pair: en|ja"),
        ({"target_language_code": "en-GB"}, "Target language can't be equal to source language."),
        ({"contents": ["a"] * 1025}, "Too many text segments"),
        ({"contents": ["é" * 15_001] * 2}, "Text is too long."),
        ({"contents": []}, "Content is required."),
        ({"mime_type": "text/markdown"}, "MIME type is invalid."),
    ],
)
def test_what_google_refuses_is_refused(
    client: translate.TranslationServiceClient, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument) as refused:
        translated(client, "house", **options)
    assert refused.value.message == message
    assert refused.value.details[0].field_violations


def test_the_limits_themselves_are_allowed(client: translate.TranslationServiceClient) -> None:
    assert translated(client, *["1"] * 1024) == ["1"] * 1024
    assert translated(client, "7" * 30_000) == ["7" * 30_000]


def test_what_is_missing_says_so(client: translate.TranslationServiceClient) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="glossary_config"):
        translated(client, "house", glossary_config={"glossary": f"{PARENT}/glossaries/g"})
    with pytest.raises(exceptions.MethodNotImplemented, match="ListGlossaries"):
        client.list_glossaries(parent=PARENT)


def test_languages_are_those_of_the_installed_pairs(client: translate.TranslationServiceClient) -> None:
    answer = client.get_supported_languages(parent=PARENT, display_language_code="en")
    languages = {entry.language_code: entry for entry in answer.languages}
    assert languages["es"].support_source
    assert languages["es"].support_target
    assert languages["es"].display_name == "Spanish"
    assert "ja" not in languages
    assert not client.get_supported_languages(parent=PARENT).languages[0].display_name


def test_false_text_serves_every_pair_and_counting_goes_on(start: Start, tmp_path: Path) -> None:
    counted = tmp_path / "counters" / "translation.json"
    for times in (1, 2):
        client = start(tmp_path, IMANGOR_LOCAL_TRANSLATION="pseudo")
        false = translated(client, "No smoking", "12", target_language_code="ja")
        assert false == ["⟦Ñö smökîñg⟧", "12"]
        assert translated(client, "<i>No</i>", mime_type="") == ["<i>⟦Ñö⟧</i>"]
        counts = json.loads(counted.read_text())
        assert counts == {
            "calls": {"TranslateText": 2 * times},
            "characters": 21 * times,
            "strings": 3 * times,
        }
