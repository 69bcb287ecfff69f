"""Endpoints' signing secrets at rest: under data keys of their account, bound to their endpoint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.vault.errors import NotOpened
from shared.vault.vault import Vault

PURPOSE: Final = "webhook-secret"
EARLIER: Final = b"\x01"
"""First byte of what was encrypted before there were data keys: then a nonce, then AES-256-GCM."""
BATCH: Final = 100
_NONCE_BYTES: Final = 12
# The system role sees of secrets those that are to be sealed anew; each is written under its own account.
_EARLIER: Final = """
select account_id, endpoint_id, number, sealed from webhook_secrets where get_byte(sealed, 0) = 1
order by endpoint_id, number limit :limit
"""
_RESEAL: Final = """
update webhook_secrets set sealed = :sealed
where endpoint_id = :endpoint and number = :number and sealed = :before
"""


class SigningSecrets:
    """Encrypts and decrypts. What was sealed for one endpoint does not open for another."""

    def __init__(self, vault: Vault, earlier_key: str | None = None):
        """`earlier_key` is the setting `WEBHOOK_KEY`, under which secrets of the earlier format are."""
        self._vault = vault
        self._earlier = earlier_key

    def seal(self, account: str, endpoint: str, secret: str) -> bytes:
        """Encrypt a secret; raises `KeyServiceUnavailable`. Not within a transaction."""
        return self._vault.seal(PURPOSE, secret.encode(), endpoint, account)

    def open(self, account: str, endpoint: str, sealed: bytes) -> str:
        """Decrypt a secret; raises `NotOpened`, `KeyServiceUnavailable`."""
        if sealed[:1] == EARLIER:
            return self._open_earlier(sealed, endpoint)
        return self._vault.open(PURPOSE, sealed, endpoint, account).decode()

    def ready(self, account: str) -> None:
        """Have the account's keys at hand; raises `KeyServiceUnavailable`."""
        self._vault.ready(PURPOSE, account)

    def reseal(self, open_uow: Callable[[str | None], UnitOfWork]) -> None:
        """Seal some secrets of the earlier format anew."""
        if self._earlier is None:
            return
        with open_uow(None) as uow:
            rows = uow.sql(_EARLIER, limit=BATCH).all()
        for row in rows:
            before = bytes(row.sealed)
            sealed = self.seal(row.account_id, row.endpoint_id, self._open_earlier(before, row.endpoint_id))
            known = {"endpoint": row.endpoint_id, "number": row.number, "before": before}
            with open_uow(row.account_id) as uow:
                uow.sql(_RESEAL, sealed=sealed, **known)

    def _open_earlier(self, sealed: bytes, endpoint: str) -> str:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if self._earlier is None:
            raise NotOpened()
        key = hmac.digest(self._earlier.encode(), b"webhook signing secrets", hashlib.sha256)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, body, endpoint.encode()).decode()
        except (InvalidTag, ValueError):
            raise NotOpened() from None
