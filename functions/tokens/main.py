"""/v1/oauth: OAuth 2.0, for clients that want short-lived tokens instead of an API key or a session."""

from __future__ import annotations

from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.tokens import errors, schemas

PUBLISHED = {"Cache-Control": "public, max-age=300"}
TOKEN_ERRORS = [
    errors.InvalidClient,
    errors.InvalidGrant,
    errors.InvalidScope,
    errors.InvalidTokenRequest,
    errors.UnsupportedGrantType,
]
BAD_REQUEST = errors.InvalidTokenRequest


@http.post("/token", auth=None, rate="300/minute", oauth=True, transaction=False, errors=TOKEN_ERRORS)
def issue_token(ctx: Context, body: schemas.TokenRequest) -> Reply[schemas.Token]:
    """Exchange an API key, a code or a refresh token for an access token that is good for ten minutes.

    An API key is a client: its id is the `client_id`, the key the `client_secret`. RFC 6749, 7636 and 9068.
    """
    return Reply(ctx.tokens.issue(ctx.credentials, body), headers={"Cache-Control": "no-store"})


@http.get(
    "/authorize",
    auth="person",
    rate="60/minute",
    status=302,
    transaction=False,
    errors=[BAD_REQUEST, AccountNotFound],
)
def authorize_client(ctx: Context, query: schemas.AuthorizationRequest) -> Reply[None]:
    """Let a registered client act for whoever is signed in, and send the browser back to it with a code."""
    return Reply(None, headers={"Location": ctx.authorization.authorize(ctx.caller, query)})


@http.post(
    "/revoke",
    auth=None,
    rate="60/minute",
    oauth=True,
    transaction=False,
    errors=[errors.UnsupportedTokenType],
)
def revoke_token(ctx: Context, body: schemas.RevocationRequest) -> schemas.Revoked:
    """Revoke a refresh token, and all that come of the same code. RFC 7009."""
    return ctx.granted_tokens.revoke(body)


@http.get("/.well-known/jwks.json", auth=None, rate="600/minute", transaction=False)
def get_signing_keys(ctx: Context) -> Reply[schemas.KeySet]:
    """Read the public keys that access tokens are signed with. RFC 7517."""
    return Reply(schemas.KeySet(keys=ctx.signing_keys.published()), headers=PUBLISHED)


@http.get("/.well-known/oauth-authorization-server", auth=None, rate="600/minute", transaction=False)
def get_authorization_server(ctx: Context) -> Reply[schemas.Metadata]:
    """Read what this authorization server does, and where. RFC 8414."""
    return Reply(schemas.Metadata.of(ctx.signing_keys.issuer), headers=PUBLISHED)


PUBLIC = (get_signing_keys, get_authorization_server)
tokens = mount("tokens", issue_token, authorize_client, revoke_token, *PUBLIC)
