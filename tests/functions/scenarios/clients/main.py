"""Clients: what speaks as OAuth 2.0 has it, and what sends the browser elsewhere."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from scenarios.in_memory import WORLD, Context

from shared.core.errors import Unauthenticated
from shared.edge import http
from shared.edge.http import Reply, mount


class Order(BaseModel):
    model_config = ConfigDict(extra="ignore")

    grant_type: str = Field(max_length=20)
    scope: str | None = None


class Given(BaseModel):
    scope: str
    more: str | None = Field(default=None, exclude_if=lambda value: value is None)


class Wrong(Unauthenticated):
    """That “client” is not known."""

    slug, oauth = "wrong", "invalid_client"


@http.post("/token", auth=None, rate="100/minute", oauth=True, transaction=False, errors=[Wrong])
def give_token(ctx: Context, body: Order) -> Given:
    """Give something."""
    WORLD.seen.append(ctx.credentials)
    if WORLD.raising is not None:
        raise WORLD.raising
    if body.grant_type == "wrong":
        raise Wrong
    return Given(scope=body.scope or "all")


@http.get("/go", auth="person", status=302, transaction=False)
def send_away(ctx: Context) -> Reply[None]:
    """Send somebody who signed in elsewhere."""
    return Reply(None, headers={"Location": "https://app.example/?a=b"})


@http.get("/.well-known/clients.json", auth=None, rate="100/minute", transaction=False)
def tell(ctx: Context) -> Given:
    """Tell anybody."""
    return Given(scope="all")


clients = mount("clients", give_token, send_away, tell, context=Context)
