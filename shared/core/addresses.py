"""Internet addresses, for limits and records: the one place that says what one is and what it is part of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

# Some proxies write the port, too; then an IPv6 address stands in brackets (RFC 3986, 3.2.2).
_WITH_PORT: Final = re.compile(r"\[(?P<six>[^\[\]]*)\](?::\d{1,5})?|(?P<four>[0-9.]+):\d{1,5}", re.ASCII)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text names, without port and zone; None for what is no address.

    IPv4 that is written as IPv6 (`::ffff:192.0.2.7`) is IPv4: it is the same machine.
    """
    named = _WITH_PORT.fullmatch(text)
    bare = (named["six"] or named["four"] or "") if named else text
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def network_of(text: str, bits: Mapping[int, int]) -> str | None:
    """The network that an address is in, such as `192.0.2.0/24`; None for what is no address.

    `bits` says how long the prefix is, for version 4 and for version 6.
    """
    found = address_of(text)
    return None if found is None else str(ip_network((found, bits[found.version]), strict=False))
