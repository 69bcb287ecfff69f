"""Proves access tokens: what they say, as far as whoever got them may still do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.auth.access_tokens import AccessClaims, AccessTokens
from shared.auth.errors import AccountNotFound, CredentialEnded
from shared.auth.known_keys import KnownKey, find_key_by_id, id_cache_key
from shared.auth.people import People
from shared.auth.principal import Principal
from shared.auth.remembered import remembered
from shared.cache.redis import RedisCache
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.core.ids import is_id
from shared.db.unit_of_work import UnitOfWork


class TokenProver:
    """Looks up whose token it is, through the cache: a key that is revoked ends its tokens."""

    def __init__(
        self,
        tokens: AccessTokens,
        open_uow: Callable[[str], UnitOfWork],
        cache: RedisCache,
        people: Callable[[], People],
        stands: Callable[[str, str], bool],
        granted: Callable[[str, str], bool],
    ) -> None:
        """`open_uow` opens a unit of work of an account; `stands` tells of a session and its person,
        `granted` of a grant and its account, whether it was not revoked.
        """
        self._tokens = tokens
        self._open_uow = open_uow
        self._cache = cache
        self._people = people
        self._stands = stands
        self._granted = granted

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Whom the token speaks for, with the scopes that they have of those it was got for.

        Raises `Unauthenticated`.
        """
        claims = self._tokens.verify(secret)
        whose = self._key if is_id("key", claims.subject) else self._person
        principal = whose(claims)
        return replace(principal, scopes=principal.scopes & claims.scopes, kind="token")

    def _key(self, claims: AccessClaims) -> Principal:
        def find() -> KnownKey | None:
            with self._open_uow(claims.account) as uow:
                return find_key_by_id(uow, claims.subject)

        found = remembered(self._cache, id_cache_key(claims.account, claims.subject), find)
        if found is None:
            raise CredentialEnded("The API key of this token is not valid any more.")
        return found.principal

    def _person(self, claims: AccessClaims) -> Principal:
        if not claims.identity:
            raise Unauthenticated("The access token is not valid.")
        if claims.session is not None and not self._stands(claims.session, claims.subject):
            raise CredentialEnded("The session that this token came of was ended.")
        if claims.grant is not None and not self._granted(claims.grant, claims.account):
            raise CredentialEnded("What this token came of was revoked.")
        known = KnownIdentity(claims.identity, claims.granted_at)
        try:
            return self._people().find(known, claims.account)
        except AccountNotFound:
            raise CredentialEnded("Whoever this token came of has left the account.") from None


@dataclass(frozen=True)
class KnownIdentity:
    """Somebody who is recorded, of whom nothing new is told; `auth_time` in seconds since 1970."""

    uid: str
    auth_time: float
    email: None = None
    email_verified: bool = False
    name: None = None
    issued_at: int = 0
