"""The worker that makes exports: claim, write the zip file without a transaction, record.

A worker that dies is followed by another after its lease, which writes the file from its beginning: an object
is there as a whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final

from shared.audit.entries import file_of
from shared.audit.schemas import AuditExport
from shared.core.errors import ImangorError
from shared.core.sealing import Vault
from shared.db.leases import acquire, confirm, release
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.entries import csv_of
from shared.ledger.schemas import ExportFilter
from shared.privacy import contents
from shared.privacy.archive import MOST_ENTRIES, Archive
from shared.privacy.contents import line
from shared.privacy.exports import MEDIA_TYPE, Exports, export_object
from shared.privacy.files import File, JobFiles
from shared.privacy.messages import ExportAccount
from shared.storage.gcs import Storage

MOST_BYTES: Final = 5 * 1024**3
"""Of files; what comes after them is listed as omitted."""
MOST_SECONDS: Final = 1200
"""After so long no more files are added, so that the rest fits into the time that a task may take."""
OMITTED: Final = "omitted.jsonl"
README: Final = b"""Everything that is kept of this account, but secrets.

*.jsonl        the rows of the table that the file is named after, each a line of JSON
ledger.csv     the movements of credits
audit.jsonl    the audit log, whose chain of hashes can be verified
jobs/ID/       the files of a job
manifest.json  all files with their SHA-256
omitted.jsonl  if it is there, files that did not fit
"""


class Exporter:
    """Makes exports."""

    def __init__(
        self,
        open_uow: Callable[[str, str | None], UnitOfWork],
        vault: Vault,
        storage: Storage,
        files: JobFiles,
        bucket: str,
        most_bytes: int = MOST_BYTES,
    ):
        """`open_uow` opens a unit of work under an account, as a person if one is given; `bucket` is the
        results bucket.
        """
        self._open_uow = open_uow
        self._vault = vault
        self._storage = storage
        self._files = files
        self._bucket = bucket
        self._most_bytes = most_bytes

    def export(self, task: ExportAccount, lease_seconds: float) -> None:
        """Make an export, unless it was made or removed. Raises `LeaseHeld` while another worker makes it."""
        with self._open_uow(task.account, None) as uow:
            row = Exports(uow).pending(task.export)
            if row is None:
                return
            lease = acquire(uow, f"export {task.export}", lease_seconds)
            now = uow.now
        try:
            made = self._write(task, row, now)
        except ImangorError:
            with self._open_uow(task.account, None) as uow:
                release(uow, lease)
            raise
        with self._open_uow(task.account, None) as uow:
            confirm(uow, lease)
            kept = Exports(uow).end(task.export, state="done", **made)
            release(uow, lease)
        if not kept:
            self._storage.delete(self._bucket, export_object(task.account, task.export))

    def give_up(self, task: ExportAccount, error: Exception) -> None:
        """Write down that it was not made."""
        with self._open_uow(task.account, None) as uow:
            slug = error.slug if isinstance(error, ImangorError) else "internal"
            Exports(uow).end(task.export, state="failed", error=slug)

    def _write(self, task: ExportAccount, row: Any, now: datetime) -> dict[str, Any]:
        name = export_object(task.account, task.export)
        with self._storage.writer(self._bucket, name, MEDIA_TYPE, {"job": task.export}) as sink:
            archive = Archive(sink, now)
            self._add_data(archive, task.account, row.user_id)
            omitted = self._add_files(archive, task.account) if row.files else 0
            archive.close(account=task.account, export=task.export, begun_at=now.isoformat(), omitted=omitted)
        return {
            "bytes": archive.size,
            "sha256": archive.sha256,
            "entries": archive.entries,
            "omitted": omitted,
        }

    def _add_data(self, archive: Archive, account: str, user: str | None) -> None:
        open_uow = partial(self._open_uow, account, None)
        archive.add("README.txt", [README])
        for table in contents.EXPORTED:
            archive.add(f"{table}.jsonl", contents.rows_of(open_uow, table))
        archive.add("members.jsonl", contents.members(open_uow, self._vault))
        archive.add("invitations.jsonl", contents.invitations(open_uow, self._vault))
        if user is not None:
            as_person = partial(self._open_uow, account, user)
            archive.add("sessions.jsonl", contents.own_sessions(as_person, user))
        archive.add("ledger.csv", csv_of(open_uow, ExportFilter.model_validate({})))
        archive.add("audit.jsonl", file_of(open_uow, account, AuditExport.model_validate({})))

    def _add_files(self, archive: Archive, account: str) -> int:
        """Add the files of jobs, as many as fit; gives how many did not."""
        files = self._files.of(partial(self._open_uow, account, None))
        until, taken = time.monotonic() + MOST_SECONDS, 0
        for file in files:
            # One entry is left for the list of what was omitted.
            full = archive.entries >= MOST_ENTRIES - 1 or taken + file.bytes > self._most_bytes
            if full or time.monotonic() > until:
                rest = _Counted(chain([file], files))
                archive.add(OMITTED, (line({"name": each.name, "bytes": each.bytes}) for each in rest))
                return rest.count
            parts = self._files.read(file)
            if parts is not None:
                archive.add(file.name, parts, packed=True)
                taken += file.bytes
        return 0


class _Counted:
    """Counts what is taken from an iterator."""

    def __init__(self, files: Iterable[File]):
        self._files = files
        self.count = 0

    def __iter__(self) -> Iterator[File]:
        for file in self._files:
            self.count += 1
            yield file
