"""How clients prove themselves (RFC 6749, 2.3), and which clients there are that have no secret."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from shared.core.credentials import Credentials
from shared.tokens.errors import InvalidClient, InvalidTokenRequest
from shared.tokens.schemas import TokenRequest


@dataclass(frozen=True)
class Client:
    """Who a request says that it is of; nothing of it is proven."""

    id: str
    secret: str | None


class PublicClients:
    """Programs in people's hands, which can keep no secret: each with the addresses that codes may go to."""

    def __init__(self, redirects: Mapping[str, list[str]]) -> None:
        self._redirects = redirects

    def __contains__(self, client: str) -> bool:
        return client in self._redirects

    def may_redirect(self, client: str, uri: str) -> bool:
        """Whether this very address is registered for the client."""
        return uri in self._redirects.get(client, [])


def client_of(credentials: Credentials, order: TokenRequest) -> Client:
    """The client by HTTP Basic, or else by the members of the body.

    Raises `InvalidClient` where there is none, `InvalidTokenRequest` where it is told in two ways.
    """
    scheme, _, encoded = (credentials.authorization or "").partition(" ")
    if scheme.lower() != "basic":
        if not order.client_id:
            raise InvalidClient()
        return Client(order.client_id, order.client_secret)
    client = _basic(encoded.strip())
    if order.client_secret is not None or order.client_id not in (None, client.id):
        raise InvalidTokenRequest("The client proves itself in one way only.")
    return client


def _basic(encoded: str) -> Client:
    """Id and secret, each form-encoded within the header."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidClient() from None
    ident, colon, secret = text.partition(":")
    if not colon:
        raise InvalidClient()
    return Client(unquote_plus(ident), unquote_plus(secret))
