"""Who calls, how often, and whether they called before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from shared.audit.actions import Action
from shared.auth.principal import Principal
from shared.cache.rate_limit import RateLimiter, RateState
from shared.core.clock import utc_now
from shared.core.config import AttemptSettings, EdgeSettings, PaymentSettings, TokenSettings, TrialSettings
from shared.core.credentials import Credentials
from shared.wiring.clients import access_tokens, identity_tokens, redis_cache
from shared.wiring.sessions import SessionServices

if TYPE_CHECKING:
    from shared.auth.attempts import FailedAttempts
    from shared.auth.authenticator import Authenticator
    from shared.auth.identity_prover import IdentityProver
    from shared.auth.key_prover import KeyProver
    from shared.auth.session_prover import SessionProver
    from shared.auth.token_prover import TokenProver
    from shared.auth.visitors import Visit, Visitors
    from shared.db.idempotency import IdempotencyKeys


class CallerServices(SessionServices):
    """What the edge asks for before an operation begins."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """Prove who calls."""
        return self.authenticator.authenticate(credentials)

    @cached_property
    def authenticator(self) -> Authenticator:
        """Finds whoever knows the shape of a credential."""
        from shared.auth.authenticator import Authenticator, Prover, Shape

        provers: dict[Shape, Callable[[], Prover]] = {
            Shape.KEY: self._key_prover,
            Shape.ACCESS_TOKEN: self._token_prover,
            Shape.ID_TOKEN: self._identity_prover,
            Shape.SESSION: self._session_prover,
            Shape.TRIAL: lambda: self.visitors,
        }
        return Authenticator(provers, self.attempts, TokenSettings.load().token_issuer)

    def visit(self, credentials: Credentials) -> Visit | None:
        """Let somebody in who has nothing to show; None where there is no trial."""
        return self.visitors.arrive(credentials)

    @property
    def visitors(self) -> Visitors:
        """Callers without an account."""
        from shared.auth.visitors import Visitors

        return Visitors(TrialSettings.load().trial_account, EdgeSettings.load().origins)

    def _key_prover(self) -> KeyProver:
        from shared.auth.key_prover import KeyProver

        return KeyProver(
            lambda key_hash: self.open(None, key_hash), redis_cache(), self.attempts, self.failed_sign_ins
        )

    def _token_prover(self) -> TokenProver:
        from shared.auth.grants import LiveGrants
        from shared.auth.token_prover import TokenProver

        return TokenProver(
            access_tokens(),
            self.open,
            redis_cache(),
            lambda: self.people,
            self.live_sessions.stands,
            LiveGrants(self.open, redis_cache()).stands,
        )

    def _identity_prover(self) -> IdentityProver:
        from shared.auth.identity_prover import IdentityProver

        return IdentityProver(identity_tokens(), lambda: self.people)

    def _session_prover(self) -> SessionProver:
        from shared.auth.session_prover import SessionProver

        origins = EdgeSettings.load().origins
        return SessionProver(identity_tokens(), self.live_sessions, lambda: self.people, origins)

    @cached_property
    def attempts(self) -> FailedAttempts:
        """Limits how often somebody may be wrong."""
        from shared.auth.attempts import FailedAttempts

        limit = AttemptSettings.load().attempt_limit
        return FailedAttempts(
            RateLimiter(redis_cache()),
            lambda _: self.security.tell(Action.ATTEMPTS_LIMITED),
            limit,
            self.failed_sign_ins.guessed,
        )

    def check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        """Prove that a message comes from the payment provider's adapter; raises `BadSignature`."""
        from shared.webhooks.signature import secret_bytes, verify

        secrets = PaymentSettings.load().payments_secret.split()
        verify([secret_bytes(secret) for secret in secrets], headers, body, utc_now().timestamp())

    def rate_limit(self, rule_name: str, principal_id: str, limit: int, window_seconds: int) -> RateState:
        """Count the request against a politeness limit."""
        return RateLimiter(redis_cache()).check(rule_name, principal_id, limit, window_seconds)

    @cached_property
    def idempotency(self) -> IdempotencyKeys:
        """The caller's idempotency keys; a person has some of each account that they act for."""
        from shared.db.idempotency import IdempotencyKeys

        caller = self.caller
        whose = f"{caller.id}/{caller.account}" if caller.user and caller.account else caller.id
        return IdempotencyKeys(whose, self.open_for_caller, lambda: self.uow)
