"""Translation by Cloud Translation v3 (NMT), in as few calls as its limits allow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from shared.core.config import ChannelSettings
from shared.core.errors import InvalidInput
from shared.providers.call import Call, call
from shared.providers.channel import grpc_transport
from shared.providers.errors import ProviderRefused, ProviderUnavailable, UnsupportedPair
from shared.providers.text_batches import MAX_POINTS, batches, split_text

ENGINE: Final = "translate-v3/nmt"

# A multi-regional endpoint wants a region within its continent as the parent's location
# (cloud.google.com/translate/docs/advanced/endpoints).
_PLACES: Final = {
    "global": (None, "global"),
    "eu": ("translate-eu.googleapis.com", "europe-west1"),
    "us": ("translate-us.googleapis.com", "us-central1"),
}
_DEADLINE: Final = 60.0
_ATTEMPT: Final = 30.0
# People wait for the list of languages.
_LIST_DEADLINE: Final = 15.0


@dataclass(frozen=True)
class Translated:
    """A text in the target language; `detected` is the source language where none was given."""

    text: str
    detected: str | None = None


class Language(NamedTuple):
    """A language the provider knows: its code, English name, and whether it can be source and target."""

    code: str
    name: str
    source: bool
    target: bool


class Translator:
    """Translates in one location: `global`, `eu` or `us`. Cheap to make; channels are shared."""

    def __init__(self, project: str, settings: ChannelSettings, location: str = "global") -> None:
        """`project` pays. Raises `InvalidInput` for a location that Translation does not have."""
        if location not in _PLACES:
            raise InvalidInput(f"Translation has no location {location!r}")
        host, region = _PLACES[location]
        self._endpoint = settings.translate_endpoint or host
        self._insecure = settings.insecure_channels
        self._parent = f"projects/{project}/locations/{region}"

    def translate(
        self, texts: list[str], source: str | None, target: str, mime: str = "text/plain"
    ) -> tuple[list[Translated], list[Call]]:
        """Translate each text; the results stand in the same order.

        Equal texts are bought once and blank ones never. A plain text beyond one call's limit is cut between
        sentences and joined again; HTML is never cut. Languages are BCP-47 codes, `source` None to detect.
        Raises `UnsupportedPair`, `ProviderRefused`, and the other errors of `shared.providers.errors`.
        """
        cut = [split_text(text) for text in texts]
        if mime != "text/plain" and any(len(pieces) > 1 for pieces in cut):
            raise ProviderRefused(f"A marked-up text is longer than {MAX_POINTS} characters")
        wanted = dict.fromkeys(piece.text for pieces in cut for piece in pieces if piece.text.strip())
        known: dict[str, Translated] = {}
        calls: list[Call] = []
        for batch in batches(wanted):
            answers, receipt = self._translate(batch, source, target, mime)
            known.update(zip(batch, answers, strict=True))
            calls.append(receipt)
        results = []
        for pieces in cut:
            parts = [known.get(piece.text, Translated(piece.text)) for piece in pieces]
            text = "".join(part.text + piece.gap for part, piece in zip(parts, pieces, strict=True))
            results.append(Translated(text, next((part.detected for part in parts if part.detected), None)))
        return results, calls

    def languages(self) -> list[Language]:
        """Every language the provider supports, named in English."""

        def rpc(seconds: float) -> Any:
            request = {"parent": self._parent, "display_language_code": "en"}
            return self._client().get_supported_languages(request=request, retry=None, timeout=seconds)

        answer, _ = call("translate", "languages", 0, rpc, deadline=_LIST_DEADLINE, attempt_seconds=_ATTEMPT)
        return [
            Language(each.language_code, each.display_name, each.support_source, each.support_target)
            for each in answer.languages
        ]

    def _translate(
        self, batch: list[str], source: str | None, target: str, mime: str
    ) -> tuple[list[Translated], Call]:
        request = {
            "parent": self._parent,
            "model": f"{self._parent}/models/general/nmt",
            "contents": batch,
            "mime_type": mime,
            "source_language_code": source or "",
            "target_language_code": target,
        }

        def rpc(seconds: float) -> Any:
            return self._client().translate_text(request=request, retry=None, timeout=seconds)

        points = sum(map(len, batch))
        try:
            answer, receipt = call(
                "translate", "translate_text", points, rpc, deadline=_DEADLINE, attempt_seconds=_ATTEMPT
            )
        except UnsupportedPair:
            origin = "the detected language" if source is None else f"'{source}'"
            raise UnsupportedPair(f"There is no translation from {origin} to '{target}' here.") from None
        if len(answer.translations) != len(batch):
            raise ProviderUnavailable("translate gave another number of texts than it was given")
        results = [
            Translated(each.translated_text, each.detected_language_code or None)
            for each in answer.translations
        ]
        return results, receipt

    def _client(self) -> Any:
        return _client(self._endpoint, self._insecure)


@cache
def _client(endpoint: str | None, insecure: bool) -> Any:
    from google.cloud.translate_v3 import TranslationServiceClient
    from google.cloud.translate_v3.services.translation_service.transports import (
        TranslationServiceGrpcTransport,
    )

    transport = grpc_transport(TranslationServiceGrpcTransport, endpoint, insecure)
    return TranslationServiceClient(transport=transport)
