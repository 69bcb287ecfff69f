"""A caller of the public API, and pictures for it to send."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from local.seed import open_account
from local.testing import Cloud

ENDED = {"completed", "partly_completed", "failed", "cancelled", "expired"}
_shades = itertools.count()


@dataclass
class Caller:
    """Somebody with an API key."""

    cloud: Cloud
    account: str
    key: str

    def call(self, method: str, path: str, **how: Any) -> Any:
        return self.cloud.request(method, path, key=self.key, **how)

    def send(self, picture: bytes, targets: str = "es", name: str = "sign.png", **headers: str) -> Any:
        """Create a job by multipart; gives the response."""
        fields = {"targets": targets, "source_language": "en"}
        return self.call("POST", "/v1/jobs", data=fields, files={"file": (name, picture)}, headers=headers)

    def order(self, **body: Any) -> dict[str, Any]:
        """Create a job that waits for its upload."""
        reply = self.call("POST", "/v1/jobs", json={"source_language": "en", "targets": ["es"], **body})
        assert reply.status_code == 201, reply.text
        return dict(reply.json())

    def job(self, job: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/v1/jobs/{job}").json())

    def ended(self, job: str, seconds: float = 90) -> dict[str, Any]:
        """Wait for a job's end."""
        deadline = time.monotonic() + seconds
        while (found := self.job(job))["state"] not in ENDED:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def objects(self, prefix: str, bucket: str = "results") -> list[str]:
        """Names in a bucket that begin with `prefix`."""
        name = self.cloud.connection["buckets"][bucket]
        return sorted(blob.name for blob in self.cloud.storage().list_blobs(name, prefix=prefix))

    def drop(self, path: str, data: bytes) -> None:
        """Copy a file into this account's inbox."""
        bucket = self.cloud.storage().bucket(self.cloud.connection["buckets"]["uploads"])
        bucket.blob(f"inbox/{self.account}/{path}").upload_from_string(data)


def _developer(cloud: Cloud) -> Caller:
    return Caller(cloud, cloud.account, cloud.api_key)


@pytest.fixture(scope="session")
def caller_of() -> Callable[[Cloud], Caller]:
    """The developer's account in a given cloud."""
    return _developer


@pytest.fixture
def caller(cloud: Cloud) -> Caller:
    """The developer's account."""
    return _developer(cloud)


@pytest.fixture
def new_caller(cloud: Cloud) -> Callable[..., Caller]:
    """Opens accounts of their own."""

    def make(**how: Any) -> Caller:
        seeded = open_account(cloud.connection["superuser_url"], cloud.state.secret("pepper"), "Other", **how)
        return Caller(cloud, seeded.account, seeded.api_key)

    return make


@pytest.fixture(scope="session")
def opened_in() -> Callable[[Cloud], Caller]:
    """Opens an account in a given cloud."""

    def make(cloud: Cloud) -> Caller:
        seeded = open_account(cloud.connection["superuser_url"], cloud.state.secret("pepper"), "Somebody")
        return Caller(cloud, seeded.account, seeded.api_key)

    return make


@pytest.fixture(scope="session")
def draw() -> Callable[..., bytes]:
    """Draws a sign. No two are the same to the byte, so nothing of one is cached for another."""

    def sign(
        text: str = "Caution: wet floor", kind: str = "PNG", size: tuple[int, int] = (640, 200)
    ) -> bytes:
        image = Image.new("RGB", size, (20, 60, 120))
        pen = ImageDraw.Draw(image)
        pen.text((40, 60), text, font=ImageFont.load_default(48), fill="white")
        image.putpixel((0, 0), (20, 60, next(_shades) % 256))
        image.putpixel((1, 0), tuple(time.time_ns().to_bytes(8, "big")[-3:]))
        out = io.BytesIO()
        image.save(out, kind)
        return out.getvalue()

    return sign
