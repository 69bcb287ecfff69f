"""/v1/keys: API keys, which programs prove the account by."""

from __future__ import annotations

from shared.accounts.errors import KeyNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.keys import errors
from shared.keys.schemas import ChangeKey, CreateKey, Key, KeyFilter, KeyId, KeyPage, KeyWithSecret, RotateKey

READ, WRITE = "keys:read", "keys:write"
BEYOND = [errors.ScopesExceeded, errors.MakerLimited]


# The two answers with a secret are not kept to be given again by a key: the secret is shown once.
@http.post(
    "/", auth=WRITE, rate="30/minute", status=201, idempotent=False, errors=[*BEYOND, errors.TooManyKeys]
)
def create_key(ctx: Context, body: CreateKey) -> Reply[KeyWithSecret]:
    """Make an API key. The answer alone shows its secret."""
    made = ctx.keys.create(ctx.caller, body)
    return Reply(made, headers={"Location": f"/v1/keys/{made.id}"})


@http.get("/", auth=READ, rate="300/minute")
def list_keys(ctx: Context, query: KeyFilter) -> KeyPage:
    """List the account's keys, newest first."""
    return ctx.keys.page(query)


@http.get("/{key_id}", auth=READ, rate="300/minute", errors=[KeyNotFound])
def get_key(ctx: Context, key_id: KeyId) -> Key:
    """Read a key."""
    return ctx.keys.get(key_id)


@http.patch(
    "/{key_id}",
    auth=WRITE,
    rate="60/minute",
    errors=[KeyNotFound, errors.KeyChanged, errors.KeyEnded, errors.MakerLimited],
)
def change_key(ctx: Context, key_id: KeyId, body: ChangeKey, if_match: str | None) -> Key:
    """Change a key's name, rate or spend limits."""
    return ctx.keys.change(ctx.caller, key_id, body, if_match)


@http.post(
    "/{key_id}/rotate",
    auth=WRITE,
    rate="30/minute",
    idempotent=False,
    errors=[KeyNotFound, errors.KeyEnded, *BEYOND],
)
def rotate_key(ctx: Context, key_id: KeyId, body: RotateKey | None) -> KeyWithSecret:
    """Change a key's secret. The one it had is good for a day more, or as long as asked for.

    The answer alone shows the new one. Of two rotations within the overlap, the first secret ends at once.
    """
    return ctx.keys.rotate(ctx.caller, key_id, body or RotateKey())


@http.delete("/{key_id}", auth=WRITE, rate="60/minute", status=204, errors=[KeyNotFound])
def revoke_key(ctx: Context, key_id: KeyId) -> None:
    """Revoke a key at once, and with it the access tokens that were got by it. It stays in the list."""
    ctx.keys.revoke(key_id)


keys = mount("keys", create_key, list_keys, get_key, change_key, rotate_key, revoke_key)
