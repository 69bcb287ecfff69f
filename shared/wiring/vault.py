"""What encrypts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import keyring
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.vault.vault import Vault


class VaultServices(Request):
    """Encryption of single values."""

    @cached_property
    def vault(self) -> Vault:
        """Seals secrets and what is personal."""
        from shared.vault.vault import Vault

        return Vault(keyring(), self.open)
