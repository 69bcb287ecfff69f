"""OAuth 2.0: tokens for API keys, and for what people let clients do."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.audit.actions import Action
from shared.core.config import OAuthSettings, TokenSettings
from shared.wiring.callers import CallerServices
from shared.wiring.clients import signing_keys

if TYPE_CHECKING:
    from shared.tokens.authorization import Authorization
    from shared.tokens.clients import PublicClients
    from shared.tokens.granted import GrantedTokens
    from shared.tokens.grants import GrantRecord
    from shared.tokens.service import TokenService
    from shared.tokens.signing import SigningKeys


class TokenServices(CallerServices):
    """What issues and revokes tokens."""

    @property
    def signing_keys(self) -> SigningKeys:
        """What access tokens are signed with."""
        return signing_keys()

    @cached_property
    def tokens(self) -> TokenService:
        """Issues tokens."""
        from shared.tokens.service import TokenService

        return TokenService(
            signing_keys, self._key_prover, self.attempts, self.open, self._clients, self.granted_tokens
        )

    @cached_property
    def granted_tokens(self) -> GrantedTokens:
        """Tokens for what people let clients do."""
        from shared.tokens.granted import GrantedTokens

        def tell(grant: GrantRecord) -> None:
            self.security.tell(Action.TOKEN_REUSED, grant.id, grant.account_id, user=grant.user_id)

        return GrantedTokens(
            signing_keys,
            lambda presented: self.open(None, presented.hex()),
            lambda: self.people,
            self.live_sessions.stands,
            tell,
            self.failed_sign_ins,
        )

    @cached_property
    def authorization(self) -> Authorization:
        """Lets clients in."""
        from shared.tokens.authorization import Authorization

        issuer = TokenSettings.load().token_issuer
        return Authorization(self.open, self.open_for_caller, self._clients, issuer)

    @property
    def _clients(self) -> PublicClients:
        from shared.tokens.clients import PublicClients

        return PublicClients(OAuthSettings.load().oauth_clients)
