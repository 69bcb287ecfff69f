"""Who acts: what the audit log keeps of a caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from shared.core.addresses import network_of

ActorKind = Literal["key", "user", "token", "trial", "admin", "system", "anonymous"]
PREFIXES: Final = {4: 24, 6: 48}
"""Bits of an address that are kept: they tell networks apart, not people."""


@dataclass(frozen=True)
class Actor:
    """Somebody or something that does a thing.

    `id` is a principal's (`key_…`, `usr_…`), or for the system's own work the function's name. `account` is
    the one that the actor belongs to, None for what belongs to none. `address` is truncated already.
    """

    kind: ActorKind
    id: str
    account: str | None = None
    address: str | None = None
    request: str | None = None


SYSTEM: Final = Actor("system", "system")


def truncated(address: str) -> str | None:
    """The network that an address is in, such as `192.0.2.0/24`; None for what is no address."""
    return network_of(address, PREFIXES)
