"""What OAuth 2.0 clients are told (RFC 6749, 4.1.2.1 and 5.2; RFC 7009, 2.2.1)."""

from __future__ import annotations

from shared.auth.errors import CredentialEnded, RefusedAgain
from shared.core.errors import ImangorError, Unauthenticated


class InvalidClient(Unauthenticated):
    """The client is not known, or did not prove itself."""

    slug, oauth = "invalid-client", "invalid_client"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme by which a client proves itself."""
        return {"WWW-Authenticate": 'Basic realm="imangor"'}


class ClientRefusedAgain(InvalidClient, RefusedAgain):
    """The client was refused a moment ago."""


class ClientEnded(InvalidClient, CredentialEnded):
    """The client's key has expired or was revoked."""


class InvalidTokenRequest(ImangorError):
    """Something that the request needs is missing or wrong."""

    slug, status, title, oauth = "invalid-request", 400, "Invalid request", "invalid_request"


class InvalidGrant(ImangorError):
    """The code or refresh token is wrong, has expired, was used or revoked, or is another client's."""

    slug, status, title, oauth = "invalid-grant", 400, "Invalid grant", "invalid_grant"


class InvalidScope(ImangorError):
    """A scope that was asked for is not known, or not within what may be given."""

    slug, status, title, oauth = "invalid-scope", 400, "Invalid scope", "invalid_scope"


class UnsupportedGrantType(ImangorError):
    """There is no such grant type."""

    slug, status, title = "unsupported-grant-type", 400, "Unsupported grant type"
    oauth = "unsupported_grant_type"


class UnsupportedTokenType(ImangorError):
    """Access tokens end by themselves, or with the key or grant that they came of; they cannot be revoked."""

    slug, status, title = "unsupported-token-type", 400, "Unsupported token type"
    oauth = "unsupported_token_type"
