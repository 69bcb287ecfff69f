"""OAuth 2.0 as clients see it. What a client sends beyond this is ignored (RFC 6749, 3.1 and 3.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.auth.access_tokens import KEYS_PATH
from shared.core.scopes import SCOPES

_LONGEST = 2000
_ASCII = "^[ -~]*$"
Word = Annotated[str, Field(max_length=100, pattern=_ASCII)]
Text = Annotated[str, Field(max_length=500, pattern=_ASCII)]
"""What stands in a URL, all of which has to fit into 8 kB."""


class Form(BaseModel):
    """Lenient: unknown members do not matter."""

    model_config = ConfigDict(extra="ignore")


class TokenRequest(Form):
    """What to get a token by; a client with a secret sends it by HTTP Basic, or in here."""

    grant_type: str = Field(
        max_length=100, description="`client_credentials`, `authorization_code` or `refresh_token`"
    )
    client_id: str | None = Field(None, max_length=100, description="an API key's id, or a public client's")
    client_secret: str | None = Field(None, max_length=200, description="the API key")
    scope: str | None = Field(None, max_length=_LONGEST, description="by spaces; all there are if left out")
    code: str | None = Field(None, max_length=200)
    redirect_uri: str | None = Field(None, max_length=_LONGEST, description="as when the code was asked for")
    code_verifier: str | None = Field(None, max_length=200, description="RFC 7636")
    refresh_token: str | None = Field(None, max_length=200)


class AuthorizationRequest(Form):
    """Who lets which client in, and where to send the browser then (RFC 6749, 4.1.1; RFC 7636, 4.3)."""

    client_id: Word
    redirect_uri: Text = Field(description="one that is registered for the client")
    response_type: Word = Field("", description="`code`")
    code_challenge: Word = Field("", description="SHA-256 of the verifier, base64url")
    code_challenge_method: Word = Field("", description="`S256`")
    scope: Text | None = Field(None, description="by spaces; all there are if left out")
    state: Text | None = Field(None, description="comes back as it is")
    account: Word | None = Field(None, description="the one they joined first if left out")


class RevocationRequest(Form):
    """Which refresh token is not to be good any more (RFC 7009)."""

    token: str = Field(max_length=_LONGEST)
    client_id: str | None = Field(None, max_length=100)


class Revoked(BaseModel):
    """Nothing more is told, nor need be read (RFC 7009, 2.2)."""


class Token(BaseModel):
    """An access token, to be sent as `Authorization: Bearer …` (RFC 6749, 5.1)."""

    model_config = ConfigDict(extra="forbid")

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word, not a token
    expires_in: int = Field(description="seconds")
    scope: str = Field(description="what was given, by spaces")
    refresh_token: str | None = Field(
        default=None, exclude_if=lambda value: value is None, description="good once; each answer has another"
    )


class KeySet(BaseModel):
    """The public keys that tokens are signed with (RFC 7517)."""

    model_config = ConfigDict(extra="forbid")

    keys: list[dict[str, Any]]


class Metadata(BaseModel):
    """What this authorization server does (RFC 8414)."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str] = ["code"]
    grant_types_supported: list[str] = ["client_credentials", "authorization_code", "refresh_token"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic", "client_secret_post", "none"]
    code_challenge_methods_supported: list[str] = ["S256"]
    authorization_response_iss_parameter_supported: bool = True

    @classmethod
    def of(cls, issuer: str) -> Self:
        """That of this issuer."""
        return cls(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/v1/oauth/authorize",
            token_endpoint=f"{issuer}/v1/oauth/token",
            revocation_endpoint=f"{issuer}/v1/oauth/revoke",
            jwks_uri=issuer + KEYS_PATH,
            scopes_supported=list(SCOPES),
        )
