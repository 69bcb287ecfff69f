"""Text recognition by Cloud Vision's DOCUMENT_TEXT_DETECTION, one picture a call."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from shared.core.config import ChannelSettings
from shared.core.errors import InvalidInput
from shared.providers.call import Call, call
from shared.providers.channel import grpc_transport
from shared.providers.errors import ProviderRefused
from shared.providers.vision_words import recognition
from shared.scenes.recognition import Recognition

ENGINE: Final = "vision/document_text"
MAX_BYTES: Final = 10_000_000
MAX_PIXELS: Final = 75_000_000

_HOSTS: Final = {
    "global": None,
    "eu": "eu-vision.googleapis.com",
    "us": "us-vision.googleapis.com",
}
_DEADLINE: Final = 60.0
_ATTEMPT: Final = 30.0


class VisionRecognizer:
    """Reads pictures in one location: `global`, `eu` or `us`. Cheap to make; channels are shared."""

    def __init__(self, settings: ChannelSettings, location: str = "global") -> None:
        """Raises `InvalidInput` for a location that Vision does not have."""
        if location not in _HOSTS:
            raise InvalidInput(f"Vision has no location {location!r}")
        self._endpoint = settings.vision_endpoint or _HOSTS[location]
        self._insecure = settings.insecure_channels

    def recognise(
        self, data: bytes, width: int, height: int, hint: str | None = None
    ) -> tuple[Recognition, Call]:
        """Read an upright 8-bit sRGB picture of `width` x `height` pixels, encoded as PNG or JPEG.

        `hint` is the BCP-47 language to expect. A picture without text gives no words. Raises
        `ProviderRefused` for a picture beyond Vision's limits or that it cannot read, and the other errors
        of `shared.providers.errors`.
        """
        if len(data) > MAX_BYTES or width * height > MAX_PIXELS:
            raise ProviderRefused("The picture is beyond what Vision accepts in one request")

        def rpc(seconds: float) -> Any:
            return _annotate(_client(self._endpoint, self._insecure), data, hint, seconds)

        text, receipt = call("vision", "document_text", 1, rpc, deadline=_DEADLINE, attempt_seconds=_ATTEMPT)
        return recognition(text, width, height), receipt


def _annotate(client: Any, data: bytes, hint: str | None, seconds: float) -> Any:
    """One BatchAnnotateImages request; gives the raw TextAnnotation message."""
    from google.api_core import exceptions
    from google.cloud import vision_v1

    request = vision_v1.AnnotateImageRequest(
        image=vision_v1.Image(content=data),
        features=[vision_v1.Feature(type_=vision_v1.Feature.Type.DOCUMENT_TEXT_DETECTION)],
        image_context=vision_v1.ImageContext(language_hints=[hint] if hint else []),
    )
    response = client.batch_annotate_images(requests=[request], retry=None, timeout=seconds)
    answer = type(response).pb(response).responses[0]
    if answer.error.code:
        from_status: Any = exceptions.from_grpc_status
        raise from_status(answer.error.code, answer.error.message)
    return answer.full_text_annotation


@cache
def _client(endpoint: str | None, insecure: bool) -> Any:
    from google.cloud.vision_v1 import ImageAnnotatorClient
    from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport

    return ImageAnnotatorClient(transport=grpc_transport(ImageAnnotatorGrpcTransport, endpoint, insecure))
