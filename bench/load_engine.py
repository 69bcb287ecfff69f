"""Vision and Translation that always cost the same: real gRPC, fixed words after a fixed time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final

import grpc
from google.cloud import translate_v3, vision_v1

SECONDS: Final = 0.05
"""How long each call takes."""


def serve() -> tuple[grpc.Server, int]:
    """Answer on a free port; the server and the port."""
    server = grpc.server(ThreadPoolExecutor(8))
    calls = {
        "google.cloud.vision.v1.ImageAnnotator": {
            "BatchAnnotateImages": (
                _annotate,
                vision_v1.BatchAnnotateImagesRequest,
                vision_v1.BatchAnnotateImagesResponse,
            )
        },
        "google.cloud.translation.v3.TranslationService": {
            "TranslateText": (
                _translate,
                translate_v3.TranslateTextRequest,
                translate_v3.TranslateTextResponse,
            )
        },
    }
    for service, methods in calls.items():
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                answer, request_deserializer=takes.deserialize, response_serializer=gives.serialize
            )
            for name, (answer, takes, gives) in methods.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _annotate(request: Any, context: grpc.ServicerContext) -> Any:
    """Two words in one line; the second is the picture's own, so that nothing is known from another one."""
    time.sleep(SECONDS)
    digest = sha256(request.requests[0].image.content).digest()
    own = "".join(chr(97 + byte % 26) for byte in digest[:8])
    words = [_word("Closing", 20, 150, last=False), _word(own, 160, 300, last=True)]
    paragraph = {"words": words, "bounding_box": _box(20, 300), "confidence": 0.99}
    block = {
        "paragraphs": [paragraph],
        "bounding_box": _box(20, 300),
        "block_type": "TEXT",
        "confidence": 0.99,
    }
    english = {"detected_languages": [{"language_code": "en", "confidence": 1.0}]}
    page = {"blocks": [block], "width": 320, "height": 120, "property": english, "confidence": 0.99}
    text = {"text": f"Closing {own}\n", "pages": [page]}
    return vision_v1.BatchAnnotateImagesResponse({"responses": [{"full_text_annotation": text}]})


def _word(text: str, left: int, right: int, *, last: bool) -> dict[str, Any]:
    symbols: list[dict[str, Any]] = [{"text": letter, "confidence": 0.99} for letter in text]
    symbols[-1]["property"] = {"detected_break": {"type_": "LINE_BREAK" if last else "SPACE"}}
    return {"symbols": symbols, "bounding_box": _box(left, right), "confidence": 0.99}


def _box(left: int, right: int) -> dict[str, Any]:
    return {"vertices": [{"x": x, "y": y} for x, y in ((left, 40), (right, 40), (right, 80), (left, 80))]}


def _translate(request: Any, context: grpc.ServicerContext) -> Any:
    time.sleep(SECONDS)
    answers = [{"translated_text": text.replace("Closing", "Cerrado")} for text in request.contents]
    return translate_v3.TranslateTextResponse({"translations": answers})
