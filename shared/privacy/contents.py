"""What an export holds: everything that is kept of an account but secrets, a file for each table.

Tables are read in parts, each in a transaction of its own, while the account is at work: what changes
meanwhile is there as it was before or after.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Row, Table, select, tuple_

from shared.auth.people import ADDRESS, NAME
from shared.core.sealing import Vault
from shared.db.models import metadata, sessions
from shared.db.unit_of_work import UnitOfWork
from shared.members.invitations import PURPOSE as INVITATION
from shared.members.repository import Memberships

OpenUnitOfWork = Callable[[], UnitOfWork]
BATCH: Final = 100

EXPORTED: Final[dict[str, frozenset[str]]] = {
    "accounts": frozenset(),
    "api_keys": frozenset({"pepper", "previous_pepper"}),
    "memberships": frozenset(),
    "oauth_grants": frozenset({"challenge"}),
    "jobs": frozenset(),
    "job_targets": frozenset(),
    "job_steps": frozenset(),
    "scenes": frozenset(),
    "scene_translations": frozenset(),
    "quotes": frozenset(),
    "balances": frozenset(),
    "credit_lots": frozenset(),
    "spending": frozenset(),
    "trial_days": frozenset(),
    "webhook_endpoints": frozenset(),
    "webhook_events": frozenset(),
    "webhook_deliveries": frozenset({"busy_until", "waiting"}),
    "emails": frozenset(),
    "account_exports": frozenset(),
    "account_erasures": frozenset({"receipt_id", "pending"}),
}
"""The tables that are written row by row, with the columns that are not; none that holds bytes is: those are
hashes, and what is encrypted."""

OTHERWISE: Final[dict[str, str]] = {
    "ledger_transactions": "in ledger.csv",
    "ledger_entries": "in ledger.csv, as sums",
    "audit_entries": "in audit.jsonl, as the audit log's own export",
    "audit_heads": "the last entry of audit.jsonl",
    "invitations": "in invitations.jsonl, with addresses that can be read",
    "webhook_secrets": "secrets",
    "data_keys": "secrets",
    "provider_results": "what was bought stands in the scenes that it went into",
    "platform_admins": "of the platform's own people",
    "idempotency_keys": "answers that were given before, for a day",
    "outbox": "work under way",
    "deadlines": "work under way",
    "leases": "work under way",
    "dead_letters": "work that failed, by ids",
}
"""The other tables with an account's rows, and why they are not."""


def rows_of(open_uow: OpenUnitOfWork, name: str) -> Iterator[bytes]:
    """An account's rows of a table of `EXPORTED`, a line of JSON for each."""
    table = metadata.tables[name]
    owner = table.c["id" if name == "accounts" else "account_id"]
    shown = [c for c in table.c if c.name not in EXPORTED[name] and not isinstance(c.type, LargeBinary)]
    key = list(table.primary_key.columns)
    after: tuple[Any, ...] | None = None
    while True:
        with open_uow() as uow:
            rows = _part(uow, table, owner, shown, key, after)
        yield from (line(dict(row._mapping)) for row in rows)
        if len(rows) < BATCH:
            return
        after = tuple(rows[-1]._mapping[column.name] for column in key)


def _part(
    uow: UnitOfWork,
    table: Table,
    owner: Column[Any],
    shown: list[Column[Any]],
    key: list[Column[Any]],
    after: tuple[Any, ...] | None,
) -> list[Row[Any]]:
    wanted = [owner == uow.account]
    if after is not None:
        wanted.append(tuple_(*key) > tuple_(*after))
    return list(uow.execute(select(*shown).select_from(table).where(*wanted).order_by(*key).limit(BATCH)))


def members(open_uow: OpenUnitOfWork, vault: Vault) -> Iterator[bytes]:
    """The people of the account, with names and addresses."""
    with open_uow() as uow:
        rows = Memberships(uow).all()
    for row in rows:
        told = {"id": row.user_id, "role": row.role, "joined_at": row.joined_at}
        for name, purpose in (("email", ADDRESS), ("name", NAME)):
            told[name] = _opened(vault, purpose, getattr(row, name), row.user_id)
        yield line(told)


def invitations(open_uow: OpenUnitOfWork, vault: Vault) -> Iterator[bytes]:
    """Whom the account invited, with addresses."""
    table = metadata.tables["invitations"]
    with open_uow() as uow:
        columns = [c for c in table.c if not isinstance(c.type, LargeBinary)]
        found = select(*columns, table.c.email).where(table.c.account_id == uow.account)
        rows = uow.execute(found.order_by(table.c.created_at, table.c.id)).all()
    for row in rows:
        email = _opened(vault, INVITATION, row.email, row.id)
        yield line({**row._mapping, "email": email})


def own_sessions(open_uow: OpenUnitOfWork, user: str) -> Iterator[bytes]:
    """The sign-ins of the person who asked: those of the others are theirs."""
    shown = [c for c in sessions.c if not isinstance(c.type, LargeBinary)]
    with open_uow() as uow:
        found = select(*shown).where(sessions.c.user_id == user).order_by(sessions.c.created_at)
        rows = uow.execute(found).all()
    for row in rows:
        yield line(dict(row._mapping))


def line(told: dict[str, Any]) -> bytes:
    """A line of JSON."""
    return json.dumps(told, ensure_ascii=False, default=_written).encode() + b"\n"


def _written(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"nobody knows how {type(value).__name__} is written")


def _opened(vault: Vault, purpose: str, sealed: bytes | None, context: str) -> str | None:
    return None if sealed is None else vault.open(purpose, bytes(sealed), context).decode()
