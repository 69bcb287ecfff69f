"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCOPES: Final = ("jobs:read", "jobs:write")


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: a key's id, its account, what it may do, and the account's plan."""

    id: str
    account: str
    scopes: frozenset[str]
    plan: str = "standard"
