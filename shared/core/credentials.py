"""What a request says of its sender, before anything of it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shared.core.addresses import network_of

SESSION_COOKIE = "imangor_session"
"""The cookie that a signed-in browser sends."""
TRIAL_TOKEN = "X-Trial-Token"  # noqa: S105 - a header's name
"""The header in which a new visitor gets their token."""
_ONES_OWN: Final = {4: 32, 6: 64}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Credentials:
    """What came with a request. All of it but `address` and `method` is the sender's own word.

    `authorization` and `api_key` are the headers' values, `cookie` that of `SESSION_COOKIE`, `account` that
    of `X-Account`: for which of their accounts a person speaks. `address` is the client's, as the trusted
    proxies saw it; `agent`, `origin` and `host` are the headers `User-Agent`, `Origin` and `Host`.
    """

    authorization: str | None = None
    api_key: str | None = None
    cookie: str | None = None
    account: str | None = None
    address: str = "unknown"
    agent: str | None = None
    method: str = "GET"
    origin: str | None = None
    host: str | None = None

    @property
    def any(self) -> bool:
        """Whether the request carries anything that could prove somebody."""
        return bool(self.authorization or self.api_key or self.cookie)

    @property
    def bearer(self) -> str | None:
        """The key or token: that of `X-Api-Key`, or else of `Authorization: Bearer`."""
        if self.api_key:
            return self.api_key
        scheme, _, token = (self.authorization or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins of this service's own pages: under its host and TLS, which only this machine's own
        addresses go without.

        A page that came without TLS may be anybody's who stands in between, whatever host it names.
        """
        schemes = ("http", "https") if self.on_loopback else ("https",)
        return frozenset(f"{scheme}://{self.host}" for scheme in schemes if self.host)

    @property
    def on_loopback(self) -> bool:
        """Whether the sender asked for this machine's own address, which has no TLS."""
        try:
            return urlsplit(f"//{self.host or ''}").hostname in _LOOPBACK
        except ValueError:
            return False


def address_prefix(address: str) -> str:
    """Whose an address is as far as limits go: one IPv4 address, or an IPv6 network of 64 bits.

    What is not an address stays as it is.
    """
    return (network_of(address, _ONES_OWN) or address).removesuffix("/32")
