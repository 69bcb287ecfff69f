"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.core.scopes import ADMIN as ADMIN
from shared.core.scopes import SCOPES as SCOPES

Kind = Literal["key", "user", "token", "trial"]


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: who it is, its account, what it may do, and the account's plan.

    `id` is what limits, idempotency keys and spending are counted by: `key_…` for an API key and for the
    access tokens got with it, `usr_…` for a person. `account` is empty for a person who has none.
    `source` and `targets` are the languages of its jobs that say none; no source is detected.
    `rate` is how many requests it may make in a minute, over all operations, where that is limited.
    `kind` is how it proved itself; `user`, `session` and `key` are the ids of the person, of the sign-in and
    of the API key behind it, where there is one.
    """

    id: str
    account: str
    scopes: frozenset[str]
    plan: str = "standard"
    source: str | None = None
    targets: tuple[str, ...] = ()
    kind: Kind = "key"
    user: str | None = None
    session: str | None = None
    key: str | None = None
    rate: int | None = None
