"""Objects in Cloud Storage: the only file that knows its client."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any, Final
from urllib.parse import quote

from shared.core.config import Misconfigured, StorageSettings
from shared.core.errors import TooLarge
from shared.core.tracing import Kind, leaf
from shared.storage.errors import ObjectChanged, ObjectMissing, StorageRefused, StorageUnavailable

_TIMEOUT: Final = (5.0, 60.0)
_RETRY_SECONDS: Final = 60.0
_SIGN_TIMEOUT: Final = 10.0
_REQUEST_TIMEOUT: Final = 408
_PART: Final = 8 * 1024 * 1024
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it. `size` is in bytes."""

    name: str
    generation: int
    size: int
    content_type: str | None
    updated: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SignedUpload:
    """A request that a client may send: exactly these `headers` belong to it, besides what HTTP adds."""

    url: str
    method: str
    headers: dict[str, str]


class Storage:
    """Reads and writes objects. Make one for the process: it keeps the connections; threads may share it."""

    def __init__(self, settings: StorageSettings) -> None:
        """Nothing is connected before the first use."""
        self._settings = settings
        self._lock = threading.Lock()
        self._built: Any = None
        self._credentials: Any = None

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_generation_match: int | None = None,
    ) -> int:
        """Write an object and give its generation. `if_generation_match=0` means only where there is none.

        Raises `ObjectChanged` when that is not so and another object is there, `StorageUnavailable`.
        """
        try:
            with _answering("put"):
                blob = self._blob(bucket, name)
                blob.metadata = dict(metadata) if metadata else None
                blob.upload_from_string(
                    data,
                    content_type=content_type,
                    if_generation_match=if_generation_match,
                    timeout=_TIMEOUT,
                    retry=_retry(),
                )
                return int(blob.generation)
        except ObjectChanged:
            # Of a request whose answer was lost, the repetition meets the object that the first one wrote.
            written = self._find(bucket, name)
            if written is None or not _holds(written, data, content_type, metadata):
                raise
            return int(written.generation)

    def get(
        self, bucket: str, name: str, generation: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """The bytes of an object, checked against its checksum.

        Raises `ObjectMissing`, `TooLarge` as soon as more than `max_bytes` arrive, `StorageUnavailable`.
        """
        with _answering("get"):
            sink = _Bounded(max_bytes)
            blob = self._blob(bucket, name, generation)
            blob.download_to_file(sink, timeout=_TIMEOUT, retry=_retry())
            return sink.getvalue()

    def read(self, bucket: str, name: str, generation: int | None = None) -> Iterator[bytes]:
        """The bytes of an object in parts of up to 8 MiB, without its checksum being looked at.

        Raises `ObjectMissing` and `StorageUnavailable`, also after some of them.
        """
        with _answering("read"):
            blob = self._blob(bucket, name, generation)
            with blob.open("rb", chunk_size=_PART, timeout=_TIMEOUT, retry=_retry()) as source:
                while part := source.read(_PART):
                    yield bytes(part)

    @contextmanager
    def writer(
        self, bucket: str, name: str, content_type: str, metadata: Mapping[str, str]
    ) -> Iterator[IO[bytes]]:
        """What is written to it becomes an object when the block is left cleanly, and nothing otherwise.

        In memory is one part of 8 MiB. Raises `StorageUnavailable`.
        """
        with _answering("write"):
            blob = self._blob(bucket, name)
            blob.metadata = dict(metadata)
            how = {"content_type": content_type, "chunk_size": _PART, "ignore_flush": True}
            with blob.open("wb", **how, timeout=_TIMEOUT, retry=_retry()) as sink:
                yield sink

    def stat(self, bucket: str, name: str, generation: int | None = None) -> ObjectInfo | None:
        """What is known of an object, or None where there is none. Raises `StorageUnavailable`."""
        blob = self._find(bucket, name, generation)
        return None if blob is None else _info(blob)

    def delete(self, bucket: str, name: str, generation: int | None = None) -> None:
        """Remove an object, or only this generation of it.

        One that is missing or replaced is as good as removed. Raises `StorageUnavailable`.
        """
        try:
            with _answering("delete"):
                self._blob(bucket, name).delete(
                    if_generation_match=generation, timeout=_TIMEOUT, retry=_retry()
                )
        except (ObjectMissing, ObjectChanged):
            return

    def delete_where(self, bucket: str, prefix: str, metadata_key: str, metadata_value: str) -> int:
        """Remove the objects under `prefix` (not empty) whose custom metadata says so; gives their number.

        Each is removed only at the generation that said so: one replaced meanwhile stays, though counted.
        Raises `StorageUnavailable`.
        """
        if not prefix:
            raise ValueError("an empty prefix would name the whole bucket")
        found = [i for i in self.list(bucket, prefix) if i.metadata.get(metadata_key) == metadata_value]
        for info in found:
            self.delete(bucket, info.name, info.generation)
        return len(found)

    def erase(self, bucket: str, name: str, generation: int) -> None:
        """Remove a generation of an object, also one that is not the live one.

        One that is missing is as good as removed. Raises `StorageUnavailable`, and `StorageRefused` where the
        bucket keeps it for a while.
        """
        try:
            with _answering("delete"):
                self._blob(bucket, name, generation).delete(timeout=_TIMEOUT, retry=_retry())
        except ObjectMissing:
            return

    def list(self, bucket: str, prefix: str, *, versions: bool = False) -> Iterator[ObjectInfo]:
        """The objects whose names begin with `prefix`, by name; with `versions` every generation of them.

        Raises `StorageUnavailable`.
        """
        with _answering("list"):
            how = {"prefix": prefix, "versions": versions or None}
            blobs = self._client().list_blobs(bucket, **how, timeout=_TIMEOUT, retry=_retry())
            for blob in blobs:
                yield _info(blob)

    def signed_put(
        self,
        bucket: str,
        name: str,
        content_type: str | None,
        min_bytes: int,
        max_bytes: int,
        expires: timedelta,
    ) -> SignedUpload:
        """Let a client PUT one new object of `min_bytes` to `max_bytes` bytes within `expires`.

        `content_type` None lets the client choose. Raises `Misconfigured` where nobody can sign, and
        `StorageUnavailable` when the signing service does not answer.
        """
        headers = _upload_headers(content_type, min_bytes, max_bytes)
        return SignedUpload(self._sign(bucket, name, "PUT", expires, headers=dict(headers)), "PUT", headers)

    def signed_resumable(
        self,
        bucket: str,
        name: str,
        content_type: str | None,
        min_bytes: int,
        max_bytes: int,
        expires: timedelta,
    ) -> SignedUpload:
        """Like `signed_put`, but the request (a POST) starts a resumable session; its `Location` takes the
        bytes.
        """
        headers = {**_upload_headers(content_type, min_bytes, max_bytes), "x-goog-resumable": "start"}
        return SignedUpload(self._sign(bucket, name, "POST", expires, headers=dict(headers)), "POST", headers)

    def signed_get(
        self,
        bucket: str,
        name: str,
        expires: timedelta,
        filename: str,
        content_type: str | None = None,
        generation: int | None = None,
    ) -> str:
        """A URL that downloads an object as `filename` (any characters) within `expires`.

        Raises like `signed_put`; whether the object exists is not looked at.
        """
        return self._sign(
            bucket,
            name,
            "GET",
            expires,
            response_disposition=_attachment(filename),
            response_type=content_type,
            generation=generation,
        )

    def _sign(self, bucket: str, name: str, method: str, expires: timedelta, **parts: Any) -> str:
        with _answering("sign"):
            url = self._blob(bucket, name).generate_signed_url(
                version="v4", expiration=expires, method=method, **parts, credentials=self._signer()
            )
            return str(url)

    def _signer(self) -> Any:
        """Who signs: the credentials' own key, or IAM's signBlob in the name of the service account."""
        import google.auth
        from google.auth.credentials import Signing
        from google.auth.transport.requests import Request

        with self._lock:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[_SCOPE])
            credentials = self._credentials
            if isinstance(credentials, Signing):
                return credentials
            request = partial(Request(), timeout=_SIGN_TIMEOUT)
            if not credentials.valid:
                credentials.refresh(request)
        email = self._settings.signer_email or getattr(credentials, "service_account_email", None)
        if email is None:
            raise Misconfigured("These credentials cannot sign, and SIGNER_EMAIL names nobody who can")
        return _remote_signer(request, credentials, email)

    def _find(self, bucket: str, name: str, generation: int | None = None) -> Any:
        with _answering("stat"):
            handle = self._client().bucket(bucket)
            return handle.get_blob(name, generation=generation, timeout=_TIMEOUT, retry=_retry())

    def _blob(self, bucket: str, name: str, generation: int | None = None) -> Any:
        return self._client().bucket(bucket).blob(name, generation=generation)

    def _client(self) -> Any:
        with self._lock:
            if self._built is None:
                from google.cloud import storage

                build: Any = storage.Client
                self._built = build()
            return self._built


class _Bounded(io.BytesIO):
    """Memory that refuses to grow beyond a limit, whatever length or encoding the sender announced."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any, /) -> int:
        if self._limit is not None and self.tell() + len(data) > self._limit:
            raise TooLarge(f"The object is larger than {self._limit} bytes")
        return super().write(data)


def _remote_signer(request: Any, credentials: Any, email: str) -> Any:
    """Credentials that sign in the name of `email` by IAM's signBlob.

    The storage client can ask IAM too, but waits two minutes for each answer.
    """
    from google.auth.credentials import Signing
    from google.auth.iam import Signer

    build: Any = Signer
    remote = build(request, credentials, email)

    class RemoteSigner(Signing):
        signer = remote
        signer_email = email

        def sign_bytes(self, message: bytes) -> bytes:
            return bytes(remote.sign(message))

    return RemoteSigner()


def _holds(blob: Any, data: bytes, content_type: str, metadata: Mapping[str, str] | None) -> bool:
    """Whether an object is what a `put` of these arguments writes."""
    digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    described = (blob.content_type, dict(blob.metadata or {})) == (content_type, dict(metadata or {}))
    return described and (blob.md5_hash, int(blob.size)) == (digest, len(data))


def _info(blob: Any) -> ObjectInfo:
    return ObjectInfo(
        name=blob.name,
        generation=int(blob.generation),
        size=int(blob.size),
        content_type=blob.content_type,
        updated=blob.updated,
        metadata=dict(blob.metadata or {}),
    )


def _upload_headers(content_type: str | None, min_bytes: int, max_bytes: int) -> dict[str, str]:
    """What an upload must send, and so cannot change: never over an object, and within these sizes."""
    headers = {
        "x-goog-if-generation-match": "0",
        "x-goog-content-length-range": f"{min_bytes},{max_bytes}",
    }
    return headers if content_type is None else {"Content-Type": content_type, **headers}


def _attachment(filename: str) -> str:
    """A Content-Disposition (RFC 6266) whose plain form is ASCII and whose extended form is the name."""
    name = filename.replace("\r", " ").replace("\n", " ")
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _retry() -> Any:
    """Names and contents are deterministic: repeated, a request writes or removes the same.

    With a precondition the repetition may be refused after the first one was done: see `put` and `delete`.
    """
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)


@contextmanager
def _answering(what: str) -> Iterator[None]:
    """Turn the client's exceptions into the room's, within a span that tells what is asked of storage."""
    from google.api_core import exceptions as google
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption
    from requests.exceptions import RequestException

    try:
        with leaf(f"storage {what}", Kind.CLIENT):
            yield
    except google.NotFound as error:
        raise ObjectMissing from error
    except google.PreconditionFailed as error:
        raise ObjectChanged from error
    except (google.TooManyRequests, google.ServerError, google.RetryError) as error:
        raise StorageUnavailable from error
    except google.GoogleAPICallError as error:
        raise (StorageUnavailable if error.code == _REQUEST_TIMEOUT else StorageRefused) from error
    except (RequestException, GoogleAuthError, DataCorruption, ConnectionError) as error:
        raise StorageUnavailable from error
