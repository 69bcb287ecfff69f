"""Tokens for what people let clients do: by a code once, and then by refresh tokens that are good once each.

A code or refresh token that comes a second time was copied by somebody, and it cannot be told who is who: so
everything that came of it ends (RFC 6749, 4.1.2; RFC 9700, 4.14.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from shared.auth.errors import AccountNotFound
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.grants import revoke_grant
from shared.auth.people import People
from shared.auth.principal import Principal
from shared.auth.token_prover import KnownIdentity
from shared.core.errors import Unauthenticated
from shared.db.models import clock_now
from shared.db.unit_of_work import UnitOfWork
from shared.tokens.errors import InvalidGrant, InvalidScope, InvalidTokenRequest, UnsupportedTokenType
from shared.tokens.grants import GrantRecord, Grants, RefreshToken, sha256
from shared.tokens.schemas import RevocationRequest, Revoked, Token, TokenRequest
from shared.tokens.signing import LIFE_SECONDS, SigningKeys

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
Judge = Callable[[GrantRecord, datetime], bool]


class GrantedTokens:
    """Redeems codes and refresh tokens."""

    def __init__(
        self,
        keys: Callable[[], SigningKeys],
        open_uow: Callable[[bytes], UnitOfWork],
        people: Callable[[], People],
        stands: Callable[[str, str], bool],
        tell: Callable[[GrantRecord], None],
        failed: FailedSignIns,
    ) -> None:
        """`open_uow` opens a unit of work that presents a hash; `tell` hears of what was used twice.

        `stands` tells of a session and its person whether it was not revoked.
        """
        self._keys = keys
        self._open_uow = open_uow
        self._people = people
        self._stands = stands
        self._tell = tell
        self._failed = failed

    def redeem(self, client: str, order: TokenRequest) -> Token:
        """Tokens for a code. Raises `InvalidTokenRequest`, `InvalidGrant`."""
        verifier, uri = order.code_verifier or "", order.redirect_uri
        if not order.code or not uri or not _VERIFIER.fullmatch(verifier):
            raise InvalidTokenRequest("This needs code, redirect_uri and code_verifier.")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

        def fits(grant: GrantRecord, now: datetime) -> bool:
            proven = hmac.compare_digest(grant.challenge, digest) and grant.redirect_uri == uri
            return proven and grant.client_id == client and grant.code_expires_at > now

        def used(grant: GrantRecord) -> bool:
            return grant.redeemed_at is not None

        return self._exchange(sha256(order.code), RefreshToken.make(), None, used, fits)

    def refresh(self, client: str, order: TokenRequest) -> Token:
        """New tokens for a refresh token, or for less. Raises as `redeem` does, and `InvalidScope`."""
        if not order.refresh_token:
            raise InvalidTokenRequest("This needs refresh_token.")
        token = RefreshToken.read(order.refresh_token)

        def fits(grant: GrantRecord, now: datetime) -> bool:
            return grant.client_id == client and grant.expires_at > now

        def used(grant: GrantRecord) -> bool:
            return not hmac.compare_digest(grant.secret_hash or b"", sha256(token.secret))

        following = RefreshToken.make(token.family)
        return self._exchange(sha256(token.family), following, order.scope, used, fits)

    def revoke(self, order: RevocationRequest) -> Revoked:
        """End the grant of a refresh token; one that is none is no error (RFC 7009, 2.2)."""
        if order.token.count(".") == 2:
            raise UnsupportedTokenType()
        token = RefreshToken.read(order.token)
        with self._open_uow(sha256(token.family)) as uow:
            grant = Grants(uow).take(sha256(token.family))
            if grant is not None and order.client_id in (None, grant.client_id):
                revoke_grant(uow, grant.id)
        return Revoked()

    def _exchange(
        self,
        presented: bytes,
        following: RefreshToken,
        scope: str | None,
        used: Callable[[GrantRecord], bool],
        fits: Judge,
    ) -> Token:
        """Judge a grant by what was presented of it, and let `following` take the place of that."""
        person, identity = self._whose(presented)
        with self._open_uow(presented) as uow:
            grants = Grants(uow)
            grant = grants.take(presented)
            if grant is None or grant.revoked_at is not None:
                raise InvalidGrant()
            reused = used(grant)
            fitting = not reused and fits(grant, uow.now)
            if reused:
                revoke_grant(uow, grant.id)
            elif fitting:
                scopes = _narrowed(grant, scope)
                times = {"refreshed_at": clock_now(), "redeemed_at": grant.redeemed_at or clock_now()}
                grants.keep(grant.id, following, **times)
        if reused:
            self._tell(grant)
        elif not fitting:
            self._failed.tell(grant.id, grant.account_id, "misfit")
        if not fitting:
            raise InvalidGrant()
        return self._token(grant, identity, scopes & person.scopes, following)

    def _whose(self, presented: bytes) -> tuple[Principal, str]:
        """Who let the client in, as they are now. Raises `InvalidGrant` where they may not any more."""
        with self._open_uow(presented) as uow:
            grant = Grants(uow).take(presented)
            identity = None if grant is None else Grants(uow).identity_of(grant.user_id)
        if grant is None or identity is None:
            raise InvalidGrant()
        if grant.session_id is not None and not self._stands(grant.session_id, grant.user_id):
            raise InvalidGrant()
        known = KnownIdentity(identity, grant.created_at.timestamp())
        try:
            return self._people().find(known, grant.account_id), identity
        except (Unauthenticated, AccountNotFound):
            raise InvalidGrant() from None

    def _token(
        self, grant: GrantRecord, identity: str, scopes: frozenset[str], following: RefreshToken
    ) -> Token:
        scope = " ".join(sorted(scopes))
        claims: dict[str, object] = {"sub": grant.user_id, "client_id": grant.client_id, "scope": scope}
        claims |= {"account": grant.account_id, "identity": identity}
        claims |= {"grant": grant.id, "sid": grant.session_id}
        signed = self._keys().sign(**claims, auth_time=grant.created_at.timestamp())
        return Token(access_token=signed, expires_in=LIFE_SECONDS, scope=scope, refresh_token=str(following))


def _narrowed(grant: GrantRecord, scope: str | None) -> frozenset[str]:
    granted = frozenset(grant.scopes)
    asked = frozenset((scope or "").split()) or granted
    if not asked <= granted:
        raise InvalidScope()
    return asked
