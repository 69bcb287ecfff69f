"""Erasing an account's objects, each generation of them, and counting each once.

What is about to be deleted is written down first. A worker that goes on for one that died deletes that again,
which changes nothing, and counts it then.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from shared.privacy.record import Erasures, OpenUnitOfWork
from shared.storage.gcs import Storage

BATCH: Final = 100
PLACES: Final = {"uploads": ("uploads", "inbox"), "results": ("results", "exports")}
"""In each bucket the folders that have one for each account."""


class ObjectEraser:
    """Erases the objects of one account. `open_uow` opens a unit of work under the lease."""

    def __init__(
        self,
        erasure: str,
        account: str,
        open_uow: OpenUnitOfWork,
        storage: Storage,
        buckets: dict[str, str],
    ):
        """`buckets` gives the names of the buckets `uploads` and `results`."""
        self._erasure = erasure
        self._account = account
        self._open_uow = open_uow
        self._storage = storage
        self._buckets = buckets

    def erase(self) -> None:
        """Erase all that is there. Raises `StorageUnavailable`, and `StorageRefused` for what is locked."""
        self._delete_pending()
        for place, prefix in self._prefixes():
            while self._note(place, prefix):
                self._delete_pending()

    def _prefixes(self) -> Iterator[tuple[str, str]]:
        for place, folders in PLACES.items():
            for folder in folders:
                yield place, f"{folder}/{self._account}/"

    def _note(self, place: str, prefix: str) -> bool:
        found = islice(self._storage.list(self._buckets[place], prefix, versions=True), BATCH)
        objects = [[info.name, info.generation] for info in found]
        if objects:
            with self._open_uow() as uow:
                Erasures(uow).change(self._erasure, pending={"place": place, "objects": objects})
        return bool(objects)

    def _delete_pending(self) -> None:
        with self._open_uow() as uow:
            row = Erasures(uow).find(self._erasure)
            pending = row.pending if row is not None else None
        if pending is None:
            return
        for name, generation in pending["objects"]:
            self._storage.erase(self._buckets[pending["place"]], name, generation)
        with self._open_uow() as uow:
            Erasures(uow).change(self._erasure, pending=None)
            Erasures(uow).count(self._erasure, "objects", pending["place"], len(pending["objects"]))
