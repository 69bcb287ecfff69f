"""A bucket in which names alone tell something."""

from __future__ import annotations

from collections.abc import Iterator

from shared.storage.errors import ObjectChanged
from shared.storage.gcs import Storage


class BucketFolder:
    """Writes and lists empty objects."""

    def __init__(self, storage: Storage, bucket: str):
        self._storage = storage
        self._bucket = bucket

    def write(self, name: str) -> None:
        """Write an empty object; one that is there stays as it is. Raises `StorageUnavailable`."""
        try:
            self._storage.put(self._bucket, name, b"", "application/octet-stream", if_generation_match=0)
        except ObjectChanged:
            return

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin with `prefix`. Raises `StorageUnavailable`."""
        for info in self._storage.list(self._bucket, prefix):
            yield info.name
