"""Secrets at rest: AES-256-GCM under a key from the configuration, bound to their endpoint."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12


class Seal:
    """Encrypts and decrypts. What was sealed for one endpoint does not open for another."""

    def __init__(self, key: str):
        """`key` is the setting `WEBHOOK_KEY`."""
        self._key = hmac.digest(key.encode(), b"webhook signing secrets", hashlib.sha256)

    def close(self, secret: str, endpoint: str) -> bytes:
        """Encrypt a secret: a format byte, the nonce, the ciphertext with its tag."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + AESGCM(self._key).encrypt(nonce, secret.encode(), endpoint.encode())

    def open(self, sealed: bytes, endpoint: str) -> str:
        """Decrypt a secret; raises ValueError for what was not sealed with this key for this endpoint."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if head != _FORMAT:
            raise ValueError("the secret is sealed in another format")
        try:
            return AESGCM(self._key).decrypt(nonce, body, endpoint.encode()).decode()
        except InvalidTag:
            raise ValueError("the secret was sealed with another key") from None
