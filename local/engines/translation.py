"""Cloud Translation v3 on this machine: Google's messages over gRPC, Apertium behind them.

Run as `python -m local.engines.translation --port P --state DIR`. With `IMANGOR_LOCAL_TRANSLATION=pseudo`
every pair answers with visibly false text instead.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.cloud.translate_v3.types import translation_service as api

from local.engines import apertium, wording
from local.engines.counters import Counters
from local.engines.languages import identify, identify_each
from local.engines.serving import Method, Refusal, follow_parent, invalid, serve, unimplemented
from local.engines.tags import primary

SERVICE = "google.cloud.translation.v3.TranslationService"
MOST_STRINGS = 1024
MOST_CODE_POINTS = 30_000
_HTML, _PLAIN = "text/html", "text/plain"
_NAMES = {
    "af": "Afrikaans",
    "an": "Aragonese",
    "ar": "Arabic",
    "ast": "Asturian",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "br": "Breton",
    "ca": "Catalan",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "eu": "Basque",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "hi": "Hindi",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "mk": "Macedonian",
    "ms": "Malay",
    "mt": "Maltese",
    "nb": "Norwegian Bokmål",
    "nl": "Dutch",
    "nn": "Norwegian Nynorsk",
    "no": "Norwegian",
    "oc": "Occitan",
    "pl": "Polish",
    "pt": "Portuguese",
    "pt-BR": "Portuguese (Brazil)",
    "ro": "Romanian",
    "ru": "Russian",
    "sc": "Sardinian",
    "sh": "Serbo-Croatian",
    "sl": "Slovenian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
}
_PSEUDO_LANGUAGES = ("ar", "ca", "de", "en", "es", "fr", "gl", "he", "hi", "it", "ja", "ko", "pt", "ru", "zh")

Find = Callable[[], dict[apertium.Pair, str]]


class Translator:
    """The service's methods. `find` gives the Apertium mode of each pair; `false_text` pseudo-localises."""

    def __init__(self, counters: Counters, find: Find, false_text: bool = False) -> None:
        self._counters, self._find, self._false = counters, find, false_text
        self._available = find()
        self._pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))

    @property
    def _sources(self) -> frozenset[str]:
        return frozenset(pair.source for pair in self._available)

    def methods(self) -> dict[str, Method]:
        """What the gRPC server offers."""
        return {
            "TranslateText": Method(api.TranslateTextRequest.pb(), self.translate_text),
            "DetectLanguage": Method(api.DetectLanguageRequest.pb(), self.detect_language),
            "GetSupportedLanguages": Method(api.GetSupportedLanguagesRequest.pb(), self.supported_languages),
        }

    def translate_text(self, request: Any) -> Any:
        """TranslateText: each string on its own; the answer has them in the request's order."""
        _check(request)
        texts = list(request.contents)
        words = texts if request.mime_type == _PLAIN else [wording.bare(text) for text in texts]
        detected = [] if request.source_language_code else identify_each(words, self._sources)
        sources = detected or [request.source_language_code] * len(texts)
        if not detected:
            self._check_pair(request.source_language_code, request.target_language_code)
        results = self._all(texts, sources, request.target_language_code, request.mime_type or _HTML)
        self._counters.add("TranslateText", characters=sum(map(len, texts)), strings=len(texts))
        answer = api.TranslateTextResponse.pb()()
        for i, text in enumerate(results):
            answer.translations.add(
                translated_text=text,
                model=request.model,
                detected_language_code=detected[i] if detected else "",
            )
        return answer

    def detect_language(self, request: Any) -> Any:
        """DetectLanguage: the one most likely language of the content."""
        if not request.content:
            raise invalid("Content is required.", content="Content is empty.")
        language, confidence = identify(request.content)
        self._counters.add("DetectLanguage")
        answer = api.DetectLanguageResponse.pb()()
        answer.languages.add(language_code=language, confidence=confidence)
        return answer

    def supported_languages(self, request: Any) -> Any:
        """GetSupportedLanguages: those of the installed pairs; display names are English in any language."""
        sources, targets = set(self._sources), {_tag(pair) for pair in self._available}
        if self._false:
            sources, targets = set(_PSEUDO_LANGUAGES), set(_PSEUDO_LANGUAGES)
        answer = api.SupportedLanguages.pb()()
        for code in sorted(sources | (targets - {""})):
            name = _NAMES.get(code, code) if request.display_language_code else ""
            answer.languages.add(
                language_code=code,
                display_name=name,
                support_source=code in sources,
                support_target=code in targets,
            )
        self._counters.add("GetSupportedLanguages")
        return answer

    def _all(self, texts: Sequence[str], sources: Sequence[str], target: str, mime: str) -> list[str]:
        if self._false:
            false = wording.pseudo_marked_up if mime == _HTML else wording.pseudo
            return [false(text) for text in texts]
        routes = [self._route(source, target) for source in sources]
        try:
            return list(self._pool.map(lambda t, r: _through(t, r, target, mime), texts, routes))
        except apertium.EngineFailed as failure:
            raise Refusal(grpc.StatusCode.INTERNAL, str(failure)) from failure

    def _check_pair(self, source: str, target: str) -> None:
        if primary(source) == primary(target):
            raise invalid(
                "Target language can't be equal to source language.", **_pair_fields(source, target)
            )

    def _route(self, source: str, target: str) -> str:
        """The mode, or empty for text that stays: nothing to read in it, or already in the target."""
        if source == "und" or primary(source) == primary(target):
            return ""
        mode = apertium.mode_for(source, target, self._available)
        if mode is None:
            # The pair may have been installed since the engine started.
            self._available = self._find()
            mode = apertium.mode_for(source, target, self._available)
        if mode is None:
            raise invalid(f"Bad language pair: {source}|{target}", **_pair_fields(source, target))
        return mode


def _pair_fields(source: str, target: str) -> dict[str, str]:
    return {
        "source_language_code": f"Source language: {source}",
        "target_language_code": f"Target language: {target}",
    }


def _through(text: str, mode: str, target: str, mime: str) -> str:
    convert = wording.marked_up if mime == _HTML else wording.plain
    if not mode:
        return convert(text, "", lambda part, _: part)
    return convert(text, primary(target), lambda part, form: apertium.run(mode, part, form))


def _tag(pair: apertium.Pair) -> str:
    """The target's BCP-47 tag; empty for Apertium's own variants, which have no tag of Google's."""
    if not pair.variant:
        return pair.target
    tag = f"{pair.target}-{pair.variant.upper()}"
    return tag if tag in _NAMES else ""


def _check(request: Any) -> None:
    if not request.contents:
        raise invalid("Content is required.", contents="Contents are empty.")
    if not request.target_language_code:
        raise invalid("Target language is required.", target_language_code="Target language is empty.")
    if request.mime_type not in ("", _HTML, _PLAIN):
        raise invalid("MIME type is invalid.", mime_type=f"MIME type: {request.mime_type}")
    if len(request.contents) > MOST_STRINGS:
        raise invalid("Too many text segments", contents=f"At most {MOST_STRINGS} strings are allowed.")
    if sum(map(len, request.contents)) > MOST_CODE_POINTS:
        raise invalid("Text is too long.", contents=f"At most {MOST_CODE_POINTS} code points are allowed.")
    if request.HasField("glossary_config"):
        raise unimplemented("glossary_config")
    if request.transliteration_config.enable_transliteration:
        raise unimplemented("transliteration_config")


def main() -> None:
    """Read the command line, find the installed pairs, and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.engines.translation", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of the engines' counters")
    options = parser.parse_args()
    follow_parent()
    counters = Counters(options.state, "translation", ("characters", "strings"))
    false_text = os.environ.get("IMANGOR_LOCAL_TRANSLATION", "") == "pseudo"
    translator = Translator(counters, apertium.installed, false_text)
    if not false_text and not apertium.installed():
        print(
            "No Apertium pair is installed: nothing can be translated. See python -m local.packages",
            flush=True,
        )
    identify("warm the model up")
    serve(SERVICE, translator.methods(), options.port)


if __name__ == "__main__":
    main()
