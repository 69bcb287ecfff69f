"""Where messages may go: what a URL must look like, and which addresses are the public internet.

Messages leave from inside of the service's own network, to URLs that customers choose. So nothing that is not
plainly a public address is ever connected to (OWASP, "Server-Side Request Forgery Prevention"): the blocks
are those of IANA's special-purpose address registries, and of IPv6 only what is allocated (2000::/3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from shared.webhooks.errors import DestinationRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL: Final = 2000
PORTS: Final = frozenset({443, 8443})
"""The ports of the public internet that messages are sent to."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that mean something only inside of a network, metadata.google.internal among them.
_INNER: Final = frozenset(
    {"local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa", "onion"}
)
_CLOSED: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host
            "169.254.0.0/16",  # link-local, and the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo among them
            "2001:db8::/32",
            "2002::/16",  # 6to4 carries any IPv4 address
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
# Mapped IPv4, NAT64 (64:ff9b::/96), unique local, link-local and multicast all lie outside.
_ALLOCATED: Final = IPv6Network("2000::/3")


@dataclass(frozen=True)
class Destination:
    """A URL taken apart. `host` is ASCII, without brackets; `target` is path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def address(self) -> Address | None:
        """The address, where the URL names one instead of a name."""
        return _literal(self.host)

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, networks: tuple[Network, ...] = ()) -> Destination:
    """Take a URL apart; `networks` are those that are allowed besides the public internet.

    Raises `DestinationRefused` for what can be refused without knowing the name's addresses.
    """
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS or (parts.scheme == "http" and not networks):
        raise DestinationRefused("scheme", "The URL must begin with https://.")
    if "@" in parts.netloc:
        raise DestinationRefused("credentials", "The URL must not hold a user name or a password.")
    if "#" in url:
        raise DestinationRefused("fragment", "The URL must not have a fragment.")
    host, port = _host(parts.hostname or "", networks), parts.port or _DEFAULT_PORTS[parts.scheme]
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~")
    found = Destination(parts.scheme, host, port, target)
    if found.address is not None:
        check(found, found.address, networks)
    elif not networks:
        _check_port(found)
    return found


def check(destination: Destination, address: Address, networks: tuple[Network, ...] = ()) -> None:
    """Raise `DestinationRefused` unless messages may be sent to this address of the destination."""
    if any(address in network for network in networks):
        return
    if not is_public(address):
        raise DestinationRefused("address", "The URL must lead to an address of the public internet.")
    if destination.scheme != "https":
        raise DestinationRefused("scheme", "The URL must begin with https://.")
    _check_port(destination)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, IPv6Address) and (address not in _ALLOCATED or address.scope_id is not None):
        return False
    return address.is_global and not any(address in network for network in _CLOSED)


def _check_port(destination: Destination) -> None:
    if destination.port not in PORTS:
        allowed = " or ".join(str(port) for port in sorted(PORTS))
        raise DestinationRefused("port", f"The URL's port must be {allowed}.")


def _split(url: str) -> SplitResult:
    plain = len(url) <= LONGEST_URL and url.isprintable() and not any(c in url for c in ' \\"<>^`{|}')
    try:
        if plain and (parts := urlsplit(url)).port != 0:
            return parts
    except ValueError:
        pass
    raise DestinationRefused("form", "This is not a URL.")


def _host(host: str, networks: tuple[Network, ...]) -> str:
    """The host in ASCII: an address in its usual form, or a name of the public DNS."""
    name = _ascii(host.removesuffix("."))
    if _literal(name) is not None:
        return name
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
        # What ends in a number is an address to many resolvers: 0177.0.0.1, 0x7f.1, 2130706433.
        raise DestinationRefused("host", "The URL's host is neither a name nor an address in its usual form.")
    inner = len(labels) == 1 or labels[-1] in _INNER
    if inner and not (networks and name == "localhost"):
        raise DestinationRefused("host", "The URL's host must be a name of the public DNS.")
    return name


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise DestinationRefused("host", "The URL's host is not a valid international name.") from None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
