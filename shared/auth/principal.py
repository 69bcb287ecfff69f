"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCOPES: Final = (
    "jobs:read",
    "jobs:write",
    "credits:read",
    "webhooks:read",
    "webhooks:write",
    "account:read",
    "account:write",
    "account:owner",
)
"""What a key of an ordinary account may have."""
ADMIN: Final = "admin"
"""The scope of the platform's own people. The database must know the key's account as one of theirs."""


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: a key's id, its account, what it may do, and the account's plan.

    `source` and `targets` are the languages of its jobs that say none; no source is detected.
    """

    id: str
    account: str
    scopes: frozenset[str]
    plan: str = "standard"
    source: str | None = None
    targets: tuple[str, ...] = ()
