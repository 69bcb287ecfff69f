"""Cloud Vision's text detection on this machine: Google's messages over gRPC, RapidOCR and Tesseract behind.

Run as `python -m local.engines.vision --port P --state DIR --storage http://127.0.0.1:P`.
"""

from __future__ import annotations

import argparse
import io
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.cloud.vision_v1.types import image_annotator as api
from PIL import Image as Pictures

from local.engines import tesseract
from local.engines.annotation import annotate
from local.engines.counters import Counters
from local.engines.geometry import Image
from local.engines.languages import identify, language_within
from local.engines.layout import paragraphs
from local.engines.lines import Line
from local.engines.serving import Method, follow_parent, invalid, serve, unimplemented

SERVICE = "google.cloud.vision.v1.ImageAnnotator"
MOST_IMAGES = 16
LARGEST_REQUEST = 10 * 1024 * 1024
MOST_PIXELS = 75_000_000
_TEXT_FEATURES = {int(api.Feature.Type.TEXT_DETECTION), int(api.Feature.Type.DOCUMENT_TEXT_DETECTION)}
_NOT_FOUND, _DENIED, _UNAVAILABLE, _BAD = 5, 7, 14, 3
_NO_URLS = "We're not allowed to access the URL on your behalf. Please download the content and pass it in."

Read = Callable[[Image, str | None], list[Line]]


class PictureRefused(Exception):
    """One picture of a call cannot be annotated: a google.rpc code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Annotator:
    """The service's methods. `read` gives a picture's lines; `storage` is the root URL of Cloud Storage."""

    def __init__(self, read: Read, counters: Counters, storage: str) -> None:
        self._read, self._counters, self._storage = read, counters, storage.rstrip("/")

    def methods(self) -> dict[str, Method]:
        """What the gRPC server offers."""
        request = api.BatchAnnotateImagesRequest.pb()
        return {"BatchAnnotateImages": Method(request, self.batch_annotate_images, LARGEST_REQUEST)}

    def batch_annotate_images(self, request: Any) -> Any:
        """BatchAnnotateImages: an answer for each picture, in order; an error stays its picture's own."""
        if len(request.requests) > MOST_IMAGES:
            raise invalid("Too many images per request.")
        languages = [_checked(one) for one in request.requests]
        answer = api.BatchAnnotateImagesResponse.pb()()
        for one, language in zip(request.requests, languages, strict=True):
            answer.responses.append(self._annotate(one, language))
        self._counters.add("BatchAnnotateImages", images=len(request.requests))
        return answer

    def _annotate(self, one: Any, language: str | None) -> Any:
        try:
            picture = decode(self._content(one.image))
            lines = self._read(picture, language)
        except (PictureRefused, tesseract.EngineFailed) as refusal:
            failed = api.AnnotateImageResponse.pb()()
            failed.error.code = getattr(refusal, "code", grpc.StatusCode.INTERNAL.value[0])
            failed.error.message = str(refusal)
            return failed
        groups = paragraphs(lines)
        texts = ["\n".join(line.text for line in group) for group in groups]
        hint = next((h for h in one.image_context.language_hints if _meant(h)), None)
        tongue, certainty = (hint, 1.0) if hint else identify("\n".join(texts))
        languages = [language_within(text, tongue) for text in texts]
        return annotate(groups, picture.shape[1], picture.shape[0], tongue, certainty, languages)

    def _content(self, image: Any) -> bytes:
        if image.content:
            return bytes(image.content)
        uri = image.source.image_uri or image.source.gcs_image_uri
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://"):
            raise PictureRefused(_DENIED, _NO_URLS)
        path = f"{urllib.parse.quote(bucket, safe='')}/o/{urllib.parse.quote(name, safe='')}"
        url = f"{self._storage}/storage/v1/b/{path}?alt=media"
        try:
            with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310 - root is our own
                return bytes(reply.read())
        except urllib.error.HTTPError as error:
            code = {404: _NOT_FOUND, 401: _DENIED, 403: _DENIED}.get(error.code, _UNAVAILABLE)
            raise PictureRefused(code, f"Error opening file: {uri}.") from None
        except OSError:
            raise PictureRefused(_UNAVAILABLE, f"Error opening file: {uri}.") from None


def decode(content: bytes) -> Image:
    """The first frame of a picture as BGR pixels on white, as stored: EXIF orientation is not applied.

    Raises `PictureRefused` for what is no picture, or one of more than 75 megapixels.
    """
    try:
        with Pictures.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise PictureRefused(_BAD, "Bad image data.")
            layered = picture.convert("RGBA") if picture.has_transparency_data else None
            flat = Pictures.new("RGB", picture.size, "white") if layered else picture.convert("RGB")
            if layered:
                flat.paste(layered, mask=layered.getchannel("A"))
    except (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError):
        raise PictureRefused(_BAD, "Bad image data.") from None
    return np.ascontiguousarray(np.asarray(flat)[:, :, ::-1])


def _checked(one: Any) -> str | None:
    """Refuse what this engine cannot do; gives Tesseract's language where the hints ask for one."""
    source = one.image.source
    if not one.features or not (one.image.content or source.image_uri or source.gcs_image_uri):
        raise invalid("Request must specify image and features.")
    for feature in one.features:
        if feature.type_ not in _TEXT_FEATURES:
            raise unimplemented(f"the feature {api.Feature.Type(feature.type_).name}")
    return _tesseract_language(one.image_context.language_hints)


def _tesseract_language(hints: Sequence[str]) -> str | None:
    for hint in filter(_meant, hints):
        language = tesseract.language_for(hint)
        if language and language not in tesseract.installed():
            package = tesseract.package_of(language)
            message = f"Language hint {hint!r} cannot be read here: install the Debian package {package}"
            needed = f"{message} (and tesseract-ocr)." if not tesseract.installed() else f"{message}."
            raise invalid(needed, language_hints=needed)
        if language:
            return language
    return None


def _meant(hint: str) -> bool:
    return hint.lower() not in {"", "und", "auto", "mul"}


def main() -> None:
    """Read the command line, load the models, and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.engines.vision", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of the engines' counters")
    parser.add_argument("--storage", required=True, help="root URL of Cloud Storage, for gs:// pictures")
    parser.add_argument("--threads", type=int, default=2, help="threads of one inference")
    options = parser.parse_args()
    follow_parent()
    from local.engines.reading import Reader

    Pictures.MAX_IMAGE_PIXELS = None
    counters = Counters(options.state, "vision", ("images",))
    annotator = Annotator(Reader(options.threads).read, counters, options.storage)
    serve(SERVICE, annotator.methods(), options.port)


if __name__ == "__main__":
    main()
