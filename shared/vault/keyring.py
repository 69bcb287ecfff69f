"""Data keys of this process: unwrapped once, and kept for a bounded time.

A data key belongs to one purpose, of one account or of none. It stands in `data_keys`, encrypted by the
key-encryption key; nobody else's row has it, so deleting it makes all that it encrypted unreadable.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from shared.core.config import Misconfigured
from shared.db.unit_of_work import UnitOfWork
from shared.vault.envelope import KEY_BYTES
from shared.vault.errors import KeyDestroyed

SECONDS: Final = 300
"""How long an unwrapped key is kept: so long a destroyed one may still open things somewhere."""
MOST: Final = 2000
_COLUMNS: Final = "select id, account_id, purpose, kek, wrapped from data_keys"
_CURRENT: Final = f"""{_COLUMNS}
where account_id is not distinct from :account and purpose = :purpose and retired_at is null"""
_BY_ID: Final = f"{_COLUMNS} where id = :id"
_OF: Final = f"{_COLUMNS} where account_id is not distinct from :account and purpose = :purpose"
_INSERT: Final = """
insert into data_keys (id, account_id, purpose, kek, wrapped) values (:id, :account, :purpose, :kek, :wrapped)
on conflict do nothing
"""
Open = Callable[[str | None], UnitOfWork]


class KeyEncryptionKey(Protocol):
    """What encrypts data keys: Cloud KMS, or a file."""

    uri: str

    def wrap(self, key: bytes, bound: bytes) -> bytes:
        """Encrypt a data key."""

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Decrypt a data key; `bound` must be what it was encrypted with."""


@dataclass(frozen=True)
class DataKey:
    """A data key that is ready for use."""

    id: UUID
    secret: bytes


class Keyring:
    """Finds, makes and remembers data keys. Make one for the process; threads may share it."""

    def __init__(self, keys: Sequence[KeyEncryptionKey], clock: Callable[[], float] = time.monotonic):
        """The first of `keys` encrypts, all decrypt. `clock` gives seconds."""
        self._keys = {key.uri: key for key in keys}
        self._first = keys[0]
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[UUID, tuple[float, DataKey]] = {}
        self._current: dict[tuple[str | None, str], tuple[float, UUID]] = {}

    def current(self, open_uow: Open, account: str | None, purpose: str) -> DataKey:
        """The key that encrypts for a purpose, made if there is none yet, in a transaction of its own."""
        place = (account, purpose)
        until, ident = self._current.get(place, (0.0, None))
        known = self._remembered(ident) if ident is not None and until > self._clock() else None
        if known is not None:
            return known
        row = self._read(open_uow, account, _CURRENT, {"account": account, "purpose": purpose})
        if row is None:
            self._make(open_uow, account, purpose)
            row = self._read(open_uow, account, _CURRENT, {"account": account, "purpose": purpose})
            assert row is not None  # noqa: S101 - whoever was first has made it
        found = self._unwrapped(row)
        with self._lock:
            self._trim(self._current)
            self._current[place] = (self._clock() + SECONDS, found.id)
        return found

    def get(self, open_uow: Open, account: str | None, ident: UUID) -> DataKey:
        """A key by its id; raises `KeyDestroyed`."""
        known = self._remembered(ident)
        if known is not None:
            return known
        row = self._read(open_uow, account, _BY_ID, {"id": ident})
        if row is None:
            raise KeyDestroyed()
        return self._unwrapped(row)

    def load(self, open_uow: Open, account: str | None, purpose: str) -> None:
        """Unwrap all keys of a purpose, so that nothing has to be asked for a while."""
        with open_uow(account) as uow:
            rows = uow.sql(_OF, account=account, purpose=purpose).all()
        for row in rows:
            if self._remembered(row.id) is None:
                self._unwrapped(row)

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._known.clear()
            self._current.clear()

    def rewrapped(self, row: Any) -> tuple[str, bytes]:
        """What encrypts a data key now, and the key under it; `row` has the columns of `data_keys`."""
        bound = _bound(row)
        key = self._encrypting(row.kek).unwrap(bytes(row.wrapped), bound)
        return self._first.uri, self._first.wrap(key, bound)

    def _make(self, open_uow: Open, account: str | None, purpose: str) -> None:
        ident = uuid4()
        bound = f"{account or ''}\0{purpose}\0{ident}".encode()
        wrapped = self._first.wrap(secrets.token_bytes(KEY_BYTES), bound)
        values = {"id": ident, "account": account, "purpose": purpose, "kek": self._first.uri}
        with open_uow(account) as uow:
            uow.sql(_INSERT, **values, wrapped=wrapped)

    def _read(self, open_uow: Open, account: str | None, query: str, values: dict[str, object]) -> Any:
        with open_uow(account) as uow:
            return uow.sql(query, **values).first()

    def _unwrapped(self, row: Any) -> DataKey:
        secret = self._encrypting(row.kek).unwrap(bytes(row.wrapped), _bound(row))
        found = DataKey(row.id, secret)
        with self._lock:
            self._trim(self._known)
            self._known[found.id] = (self._clock() + SECONDS, found)
        return found

    def _encrypting(self, uri: str) -> KeyEncryptionKey:
        key = self._keys.get(uri)
        if key is None:
            raise Misconfigured("A data key is encrypted by a key that VAULT_KEYS does not name.")
        return key

    def _remembered(self, ident: UUID) -> DataKey | None:
        until, found = self._known.get(ident, (0.0, None))
        return found if until > self._clock() else None

    def _trim(self, remembered: dict[Any, tuple[float, Any]]) -> None:
        """Drop what is over, and the oldest when there are too many."""
        now = self._clock()
        for key in [key for key, (until, _) in remembered.items() if until <= now]:
            del remembered[key]
        while len(remembered) >= MOST:
            del remembered[next(iter(remembered))]


def _bound(row: Any) -> bytes:
    return f"{row.account_id or ''}\0{row.purpose}\0{row.id}".encode()
