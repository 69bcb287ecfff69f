"""What a vault does for those who keep something personal or secret."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Encrypts; what was sealed for one purpose and context opens for these alone."""

    def seal(self, purpose: str, plaintext: bytes, context: str) -> bytes:
        """Encrypt. It may ask a service far away, so no transaction should wait for it."""

    def open(self, purpose: str, sealed: bytes, context: str) -> bytes:
        """Decrypt."""

    def lookup_hash(self, purpose: str, value: str) -> bytes:
        """A keyed hash by which a value is found again."""
