"""Files on their way in: signed uploads, files sent with the request, and checks before anything is spent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.core.clock import utc_now
from shared.jobs.errors import EmptyUpload
from shared.jobs.names import MAX_UPLOAD_BYTES
from shared.jobs.schemas import JobUpload, SignedUpload
from shared.storage.gcs import Storage

if TYPE_CHECKING:
    from shared.imaging.files.decode import MediaInfo


class SignedUploads:
    """Puts sources into the uploads bucket, or signs requests by which the client does."""

    def __init__(self, storage: Storage, bucket: str):
        self._storage = storage
        self._bucket = bucket

    def sign(self, name: str, window: timedelta) -> JobUpload:
        """Sign one simple and one resumable upload of exactly this object, once, within the size limit."""
        put = self._storage.signed_put(self._bucket, name, None, 1, MAX_UPLOAD_BYTES, window)
        resumable = self._storage.signed_resumable(self._bucket, name, None, 1, MAX_UPLOAD_BYTES, window)
        return JobUpload(
            put=SignedUpload(method="PUT", url=put.url, headers=put.headers),
            resumable=SignedUpload(method="POST", url=resumable.url, headers=resumable.headers),
            expires_at=utc_now() + window,
        )

    def put(self, name: str, data: bytes, media_type: str) -> int:
        """Store a source; gives its generation."""
        return self._storage.put(self._bucket, name, data, media_type)

    def discard(self, name: str, generation: int) -> None:
        """Remove a source whose job was not accepted after all."""
        self._storage.delete(self._bucket, name, generation)


def check_picture(data: bytes) -> MediaInfo:
    """The header of a picture that can be worked on; raises what is wrong with it."""
    from shared.imaging.files.decode import probe

    if not data:
        raise EmptyUpload()
    return probe(data)
