"""One encrypted value: AES-256-GCM under a data key, bound to what it is for and what it belongs to.

    byte 0      format, 2
    bytes 1-16  id of the data key
    bytes 17-28 nonce
    the rest    ciphertext with its tag of 16 bytes

The additional data are format, key id, purpose and context, so that an envelope opens only in its own row.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from shared.vault.errors import NotOpened

FORMAT: Final = b"\x02"
KEY_BYTES: Final = 32
_HEAD: Final = 17
_NONCE: Final = 12


def close(key_id: UUID, key: bytes, plaintext: bytes, purpose: str, context: str) -> bytes:
    """Encrypt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, nonce = FORMAT + key_id.bytes, secrets.token_bytes(_NONCE)
    return head + nonce + AESGCM(key).encrypt(nonce, plaintext, _bound(head, purpose, context))


def key_of(sealed: bytes) -> UUID:
    """Which data key an envelope needs; raises `NotOpened` for what is no envelope."""
    if sealed[:1] != FORMAT or len(sealed) < _HEAD + _NONCE:
        raise NotOpened()
    return UUID(bytes=sealed[1:_HEAD])


def open_with(key: bytes, sealed: bytes, purpose: str, context: str) -> bytes:
    """Decrypt; raises `NotOpened`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, nonce, body = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, body, _bound(head, purpose, context))
    except InvalidTag:
        raise NotOpened() from None


def _bound(head: bytes, purpose: str, context: str) -> bytes:
    named = purpose.encode()
    return head + len(named).to_bytes(2) + named + context.encode()
