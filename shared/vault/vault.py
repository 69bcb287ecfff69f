"""Encrypting what must not be readable in the database: secrets, and what is personal.

    sealed = vault.seal("webhook-secret", secret, endpoint_id, account=account)
    secret = vault.open("webhook-secret", sealed, endpoint_id, account=account)

`context` is what the value belongs to, its row's id: in another row it does not open. Call both outside of
transactions: the key may have to be asked for.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from shared.vault.envelope import close, key_of, open_with
from shared.vault.keyring import Keyring, Open

LOOKUP: Final = "lookup:"
"""Begins the purpose of keys of lookup hashes, which are never replaced: the hashes would not be found."""


class Vault:
    """Seals and opens."""

    def __init__(self, keyring: Keyring, open_uow: Open):
        """`open_uow` opens a unit of work under an account, or under none."""
        self._keyring = keyring
        self._open_uow = open_uow

    def seal(self, purpose: str, plaintext: bytes, context: str, account: str | None = None) -> bytes:
        """Encrypt, under the key of an account if one is given; raises `KeyServiceUnavailable`."""
        key = self._keyring.current(self._open_uow, account, purpose)
        return close(key.id, key.secret, plaintext, purpose, _place(context, account))

    def open(self, purpose: str, sealed: bytes, context: str, account: str | None = None) -> bytes:
        """Decrypt; raises `NotOpened`, `KeyDestroyed`, `KeyServiceUnavailable`."""
        key = self._keyring.get(self._open_uow, account, key_of(sealed))
        return open_with(key.secret, sealed, purpose, _place(context, account))

    def lookup_hash(self, purpose: str, value: str) -> bytes:
        """A keyed hash, the same for the same value, by which it is found without being readable."""
        key = self._keyring.current(self._open_uow, None, LOOKUP + purpose)
        return hmac.digest(key.secret, value.encode(), hashlib.sha256)

    def ready(self, purpose: str, account: str | None = None) -> None:
        """Have the keys of a purpose at hand; raises `KeyServiceUnavailable` before anything is begun."""
        self._keyring.load(self._open_uow, account, purpose)


def _place(context: str, account: str | None) -> str:
    return f"{account or ''}\0{context}"
