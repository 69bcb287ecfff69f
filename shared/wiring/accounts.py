"""Accounts and their people."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import languages
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.accounts.service import AccountService
    from shared.keys.service import KeyService


class AccountServices(Request):
    """What an account is, and who belongs to it."""

    @cached_property
    def accounts(self) -> AccountService:
        """The caller's own account."""
        from shared.accounts.service import AccountService

        return AccountService(lambda: self.uow, languages())

    @cached_property
    def keys(self) -> KeyService:
        """The account's API keys."""
        from shared.keys.service import KeyService

        return KeyService(lambda: self.uow)
