"""Proves people by their ID tokens: who signed in, as far as they may still act here."""

from __future__ import annotations

from collections.abc import Callable

from shared.auth.identity_tokens import IdentityTokens
from shared.auth.people import People
from shared.auth.principal import Principal
from shared.core.credentials import Credentials


class IdentityProver:
    """Checks the token first, and looks the person up only when it is good."""

    def __init__(self, tokens: IdentityTokens, people: Callable[[], People]):
        self._tokens = tokens
        self._people = people

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Who signed in, for the account asked for; raises `Unauthenticated` and `AccountNotFound`."""
        return self._people().find(self._tokens.verify_id_token(secret), credentials.account)
