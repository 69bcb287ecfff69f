"""Recording what was done: in the transaction that does it, so that both happen or neither.

    record(uow, Action.KEY_REVOKED, key_id, reason="leaked")

The entry is written last in its transaction, because from then on others who write to the same chain wait.
Facts are small and tell nothing of contents: ids, numbers, codes, never texts, names, addresses or secrets.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from shared.audit.actions import Action
from shared.audit.chain import Fact
from shared.core.actor import Actor
from shared.db.unit_of_work import UnitOfWork

LONGEST: Final = 200
"""Characters of a target, or of a fact; what is longer is cut."""

_INSERT: Final = """
insert into audit_entries (account_id, actor_kind, actor, action, target, address, request, facts)
values (:account, :kind, :actor, :action, :target, :address, :request, cast(:facts as jsonb))
"""


def record(
    uow: UnitOfWork, action: Action, target: str | None = None, *, who: Actor | None = None, **facts: Fact
) -> None:
    """Write an entry into the chain of the unit of work's account, or of the platform where it has none.

    `who` is the unit of work's actor unless it is given. What somebody of another account does stands in the
    platform's chain, too.
    """
    # Hooks run in the order in which they were added, and those that they add come last: so a transaction
    # locks the platform's chain after its account's, and two never wait for each other.
    uow.before_commit(lambda: _record(uow, action, target, who or uow.actor, facts))


def _record(uow: UnitOfWork, action: Action, target: str | None, who: Actor, facts: dict[str, Fact]) -> None:
    account = uow.account
    foreign = account is not None and who.account is not None and who.account != account
    actor = replace(who, kind="admin") if foreign else who
    if account is not None:
        _insert(uow, account, action, target, actor, facts)
    if foreign:
        facts = {"account": account, **facts}
    if account is None or foreign:
        uow.before_commit(lambda: _insert(uow, None, action, target, actor, facts))


def _insert(
    uow: UnitOfWork,
    account: str | None,
    action: Action,
    target: str | None,
    who: Actor,
    facts: dict[str, Fact],
) -> None:
    kept = {name: _short(value) for name, value in facts.items() if value is not None}
    uow.sql(
        _INSERT,
        account=account,
        kind=who.kind,
        actor=who.id,
        action=action.value,
        target=_short(target),
        address=who.address,
        request=who.request,
        facts=json.dumps(kept, ensure_ascii=False),
    )


def _short(value: Fact) -> Fact:
    """A text without what PostgreSQL cannot store, cut to a size that no log is filled with."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "")[:LONGEST].encode(errors="replace").decode()
