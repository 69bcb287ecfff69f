"""The token endpoint (RFC 6749, 3.2): a credential that lasts is exchanged for one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.attempts import FailedAttempts
from shared.auth.errors import CredentialEnded, RefusedAgain
from shared.auth.key_prover import KeyProver
from shared.auth.principal import Principal
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.core.ids import is_id
from shared.db.unit_of_work import UnitOfWork
from shared.tokens.clients import Client, PublicClients, client_of
from shared.tokens.errors import (
    ClientEnded,
    ClientRefusedAgain,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    UnsupportedGrantType,
)
from shared.tokens.granted import GrantedTokens
from shared.tokens.schemas import Token, TokenRequest
from shared.tokens.signing import LIFE_SECONDS, SigningKeys


class TokenService:
    """Issues tokens, and limits who may try to get one."""

    def __init__(
        self,
        keys: Callable[[], SigningKeys],
        prover: Callable[[], KeyProver],
        attempts: FailedAttempts,
        open_uow: Callable[[str], UnitOfWork],
        clients: PublicClients,
        granted: GrantedTokens,
    ) -> None:
        """`open_uow` opens a unit of work of an account."""
        self._keys = keys
        self._prover = prover
        self._attempts = attempts
        self._open_uow = open_uow
        self._clients = clients
        self._granted = granted

    def issue(self, credentials: Credentials, order: TokenRequest) -> Token:
        """A token for an API key, a code, or a refresh token.

        Raises the errors of `shared/tokens/errors.py`, `RateLimited` where too many were wrong.
        """
        client = client_of(credentials, order)
        known = client.id if is_id("key", client.id) else None
        with self._attempts.counting(credentials, known, (Unauthenticated, InvalidGrant)):
            if order.grant_type == "client_credentials":
                return self._exchange(credentials, client, order)
            if order.grant_type not in ("authorization_code", "refresh_token"):
                raise UnsupportedGrantType()
            if client.secret is not None or client.id not in self._clients:
                raise InvalidClient()
            self._attempts.check(credentials)
            if order.grant_type == "authorization_code":
                return self._granted.redeem(client.id, order)
            return self._granted.refresh(client.id, order)

    def _exchange(self, credentials: Credentials, client: Client, order: TokenRequest) -> Token:
        key = self._prove(credentials, client)
        scopes = frozenset((order.scope or "").split()) or key.scopes
        if not scopes <= key.scopes:
            raise InvalidScope()
        with self._open_uow(key.account) as uow:
            who = replace(uow.actor, kind="key", id=key.id, account=key.account)
            record(uow, Action.TOKEN_ISSUED, key.id, who=who)
        scope = " ".join(sorted(scopes))
        signed = self._keys().sign(sub=key.id, client_id=key.id, account=key.account, scope=scope)
        return Token(access_token=signed, expires_in=LIFE_SECONDS, scope=scope)

    def _prove(self, credentials: Credentials, client: Client) -> Principal:
        try:
            key = self._prover().prove(client.secret or "", credentials)
        except RefusedAgain:
            raise ClientRefusedAgain() from None
        except CredentialEnded:
            raise ClientEnded() from None
        except Unauthenticated:
            raise InvalidClient() from None
        if key.id != client.id:
            raise InvalidClient()
        return key
