"""The provider adapters over real gRPC, against a server that answers what each test says."""

import json
import logging
import traceback
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.cloud.translate_v3 import SupportedLanguages, TranslateTextRequest, TranslateTextResponse
from google.cloud.vision_v1 import BatchAnnotateImagesRequest, BatchAnnotateImagesResponse

from shared.core.config import ChannelSettings
from shared.core.errors import ImangorError, InvalidInput
from shared.core.logs import CloudFormatter
from shared.providers import budget
from shared.providers.errors import (
    ProviderBusy,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    UnsupportedPair,
)
from shared.providers.translate import Language, Translated, Translator
from shared.providers.vision import MAX_BYTES, VisionRecognizer

Code = grpc.StatusCode
CONTENT = "secret words"
KINDS = {
    "TranslateText": (TranslateTextRequest, TranslateTextResponse),
    "BatchAnnotateImages": (BatchAnnotateImagesRequest, BatchAnnotateImagesResponse),
    "GetSupportedLanguages": (None, SupportedLanguages),
}


class Provider(grpc.GenericRpcHandler):
    """Notes each request; `answers` holds what comes next, codes with messages or responses."""

    def __init__(self):
        self.requests, self.seconds, self.answers = [], [], []
        self.usual = None
        self.server = grpc.server(ThreadPoolExecutor(4), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        method = details.method.rpartition("/")[2]

        def answer(payload, context):
            request = KINDS[method][0]
            self.requests.append(request.deserialize(payload) if request else payload)
            self.seconds.append(context.time_remaining())
            given = self.answers.pop(0) if self.answers else self.usual(self.requests[-1])
            if isinstance(given, tuple):
                context.abort(*given)
            return KINDS[method][1].serialize(given)

        return grpc.unary_unary_rpc_method_handler(answer)


def shouted(request):
    translations = [{"translated_text": text.upper()} for text in request.contents]
    if not request.source_language_code:
        translations = [{**t, "detected_language_code": "de"} for t in translations]
    return TranslateTextResponse(translations=translations)


@pytest.fixture
def provider(monkeypatch):
    budgets = defaultdict(lambda: budget.RetryBudget(floor=9))
    monkeypatch.setattr("shared.providers.call._budgets", budgets)
    provider = Provider()
    yield provider
    provider.server.stop(None)


@pytest.fixture
def translator(provider):
    provider.usual = shouted
    settings = ChannelSettings(insecure_channels=True, translate_endpoint=provider.address)
    return Translator("imangor-local", settings)


@pytest.fixture
def recognizer(provider):
    return VisionRecognizer(ChannelSettings(insecure_channels=True, vision_endpoint=provider.address))


def annotated(**response):
    return BatchAnnotateImagesResponse(responses=[response])


# translation


def test_texts_go_as_plain_text_in_one_call_and_come_back_in_order(translator, provider):
    results, calls = translator.translate(["eins", "zwei"], "de", "en")
    assert results == [Translated("EINS"), Translated("ZWEI")]
    (request,) = provider.requests
    assert list(request.contents) == ["eins", "zwei"]
    assert request.mime_type == "text/plain"
    assert (request.source_language_code, request.target_language_code) == ("de", "en")
    assert request.parent == "projects/imangor-local/locations/global"
    assert request.model == "projects/imangor-local/locations/global/models/general/nmt"
    (call,) = calls
    assert (call.provider, call.method, call.units, call.retries) == ("translate", "translate_text", 8, 0)
    assert call.milliseconds >= 0


def test_equal_texts_are_bought_once_and_blank_ones_never(translator, provider):
    results, _ = translator.translate(["a", "", "b", "a", " \n"], "de", "en")
    assert [r.text for r in results] == ["A", "", "B", "A", " \n"]
    assert list(provider.requests[0].contents) == ["a", "b"]
    assert translator.translate(["", " "], "de", "en")[1] == []


def test_many_texts_are_as_few_calls_as_the_limits_allow(translator, provider):
    _, calls = translator.translate([f"text {n}" for n in range(1500)], "de", "en")
    assert [len(r.contents) for r in provider.requests] == [1024, 476]
    assert len(calls) == 2
    translator.translate(["x" * 20_000, "y" * 10_000, "z"], "de", "en")
    assert [sum(map(len, r.contents)) for r in provider.requests[2:]] == [30_000, 1]


def test_a_text_beyond_the_limit_is_cut_and_joined(translator, provider):
    text = "Ein Satz steht hier.  " * 2000
    results, calls = translator.translate([text], None, "en")
    assert results == [Translated(text.upper(), "de")]
    assert sum(call.units for call in calls) <= len(text)
    assert all(sum(map(len, r.contents)) <= 30_000 for r in provider.requests)


def test_marked_up_text_is_never_cut(translator, provider):
    with pytest.raises(ProviderRefused):
        translator.translate(["<p>" + "x " * 20_000 + "</p>"], "de", "en", "text/html")
    assert provider.requests == []


def test_a_passing_failure_is_tried_again_and_counted(translator, provider, caplog):
    caplog.set_level(logging.INFO)
    provider.answers = [(Code.UNAVAILABLE, "x"), (Code.RESOURCE_EXHAUSTED, "Quota exceeded")]
    _, (call,) = translator.translate(["a"], "de", "en")
    assert call.retries == 2
    assert len(provider.requests) == 3
    fields = [r.fields for r in caplog.records if hasattr(r, "fields")]
    outcomes = [f["labels"]["outcome"] for f in fields if f["metric"] == "provider_calls"]
    assert outcomes == ["provider-unavailable", "provider-busy", "ok"]
    assert [f["value"] for f in fields if f["metric"] == "provider_retries"] == [2]


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        (Code.INVALID_ARGUMENT, "Bad language pair: de|xx", UnsupportedPair),
        (Code.INVALID_ARGUMENT, "Text is too long.", ProviderRefused),
        (Code.PERMISSION_DENIED, "no", ProviderMisconfigured),
        (Code.UNAUTHENTICATED, "who", ProviderMisconfigured),
        (Code.UNIMPLEMENTED, "no such method", ProviderMisconfigured),
    ],
)
def test_a_final_failure_is_one_call(translator, provider, code, message, meaning):
    provider.answers = [(code, message)] * 5
    with pytest.raises(meaning):
        translator.translate(["a"], "de", "xx")
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        (Code.UNAVAILABLE, "x", ProviderUnavailable),
        (Code.PERMISSION_DENIED, "User Rate Limit Exceeded", ProviderBusy),
    ],
)
def test_retries_end_with_the_budget(translator, provider, monkeypatch, code, message, meaning):
    monkeypatch.setattr(budget, "_BASE", 0.001)
    provider.answers = [(code, message)] * 50
    with pytest.raises(meaning):
        translator.translate(["a"], "de", "en")
    assert len(provider.requests) == 1 + 9


def test_each_attempt_has_its_own_time_limit(translator, provider):
    provider.answers = [(Code.UNAVAILABLE, "x")]
    translator.translate(["a"], "de", "en")
    assert all(15 < seconds <= 31 for seconds in provider.seconds)


def test_people_wait_a_short_time_for_the_languages(translator, provider):
    provider.answers = [SupportedLanguages()]
    translator.languages()
    assert all(seconds <= 16 for seconds in provider.seconds)


@pytest.mark.parametrize(
    ("code", "kind"), [(Code.INVALID_ARGUMENT, "InvalidArgument"), (Code.UNAVAILABLE, "ServiceUnavailable")]
)
def test_what_a_provider_said_is_in_no_log(translator, provider, monkeypatch, caplog, code, kind):
    monkeypatch.setattr(budget, "_BASE", 0.001)
    caplog.set_level(logging.INFO)
    provider.usual = lambda _: (code, f"cannot read {CONTENT!r}")
    with pytest.raises(ImangorError) as failure:
        translator.translate([CONTENT], "de", "en")
    logging.getLogger("room").error("work failed", exc_info=failure.value)
    lines = [CloudFormatter().format(record) for record in caplog.records]
    assert not [line for line in lines if CONTENT in line]
    assert CONTENT not in "".join(traceback.format_exception(failure.value))
    assert json.loads(lines[0])["labels"]["kind"] == kind


def test_an_answer_of_another_length_is_not_believed(translator, provider):
    provider.answers = [TranslateTextResponse(translations=[{"translated_text": "A"}])]
    with pytest.raises(ProviderUnavailable):
        translator.translate(["a", "b"], "de", "en")


def test_languages_say_what_they_can_be(translator, provider):
    entry = {"language_code": "es", "display_name": "Spanish", "support_source": True}
    provider.answers = [SupportedLanguages(languages=[entry])]
    assert translator.languages() == [Language("es", "Spanish", source=True, target=False)]


@pytest.mark.parametrize(("location", "region"), [("eu", "europe-west1"), ("us", "us-central1")])
def test_a_location_is_named_in_the_request(provider, location, region):
    provider.usual = shouted
    settings = ChannelSettings(insecure_channels=True, translate_endpoint=provider.address)
    Translator("p", settings, location).translate(["a"], "de", "en")
    assert provider.requests[0].parent == f"projects/p/locations/{region}"


def test_an_unknown_location_is_refused():
    with pytest.raises(InvalidInput):
        Translator("p", ChannelSettings(), "moon")
    with pytest.raises(InvalidInput):
        VisionRecognizer(ChannelSettings(), "moon")


# vision


def test_one_picture_is_one_request_for_document_text(recognizer, provider):
    provider.answers = [annotated()]
    found, call = recognizer.recognise(b"picture", 40, 30, "de")
    assert (found.words, found.width, found.height) == ([], 40, 30)
    ((one,),) = [list(r.requests) for r in provider.requests]
    assert one.image.content == b"picture"
    assert [f.type_.name for f in one.features] == ["DOCUMENT_TEXT_DETECTION"]
    assert list(one.image_context.language_hints) == ["de"]
    assert (call.provider, call.units) == ("vision", 1)


def test_a_picture_s_own_error_is_an_error(recognizer, provider):
    provider.answers = [annotated(error={"code": 3, "message": "Bad image data."})]
    with pytest.raises(ProviderRefused):
        recognizer.recognise(b"x", 1, 1)
    provider.answers = [annotated(error={"code": 14, "message": "later"}), annotated()]
    assert recognizer.recognise(b"x", 1, 1)[1].retries == 1


def test_a_picture_beyond_vision_s_limits_is_not_sent(recognizer, provider):
    with pytest.raises(ProviderRefused):
        recognizer.recognise(b"x" * (MAX_BYTES + 1), 1, 1)
    with pytest.raises(ProviderRefused):
        recognizer.recognise(b"x", 10_000, 7_501)
    assert provider.requests == []
