"""The audit log as a list, and as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from shared.audit.chain import PLATFORM, Link
from shared.audit.schemas import AuditActor, AuditEntry, AuditExport, AuditFilter, AuditPage, AuditQuery
from shared.core.cells import harmless
from shared.db.unit_of_work import UnitOfWork

BATCH: Final = 1000
_SELECT: Final = """
select chain, number, at, actor_kind, actor, action, target, address, request, facts, previous, hash
from audit_entries where chain = :chain
"""
_CONDITIONS: Final = {
    "action": "action = :action",
    "actor": "actor = :actor",
    "target": "target = :target",
    "since": "at >= :since",
    "until": "at < :until",
    "below": "number < :below",
    "above": "number > :above",
    "upto": "number <= :upto",
}
_COLUMNS: Final = (
    *("id", "chain", "at", "actor_kind", "actor", "action", "target", "address", "request"),
    *("facts", "previous", "hash"),
)


def page_of(uow: UnitOfWork, chain: str, query: AuditQuery) -> AuditPage:
    """A page of a chain, newest first."""
    below = None if query.cursor is None else int(query.cursor.removeprefix("aud_"))
    links = _links(uow, chain, query, query.limit + 1, "desc", below=below)
    entries = [entry(link) for link in links[: query.limit]]
    return AuditPage(entries=entries, next_cursor=entries[-1].id if len(links) > query.limit else None)


def links_of(
    open_uow: Callable[[], UnitOfWork], chain: str, query: AuditFilter | None, until: int | None = None
) -> Iterator[Link]:
    """A chain's entries, oldest first, some at a time, each part in a transaction of its own.

    `until` is the last number that is wanted.
    """
    above = 0
    while True:
        with open_uow() as uow:
            links = _links(uow, chain, query, BATCH, "asc", above=above, upto=until)
        yield from links
        if len(links) < BATCH:
            return
        above = links[-1].number


def file_of(open_uow: Callable[[], UnitOfWork], chain: str, query: AuditExport) -> Iterator[bytes]:
    """A chain's entries as JSON Lines, one entry a line, or as CSV (RFC 4180); UTF-8."""
    if query.format == "csv":
        yield _row(list(_COLUMNS))
    write = _cells if query.format == "csv" else _line
    for link in links_of(open_uow, chain, query):
        yield write(entry(link))


def chain_of(account: str | None) -> str:
    """The name of an account's chain, or of the platform's."""
    return account or PLATFORM


def entry(link: Link) -> AuditEntry:
    """An entry as callers see it."""
    return AuditEntry.model_validate(
        {
            "id": f"aud_{link.number}",
            "chain": link.chain,
            "at": link.at,
            "actor": AuditActor.model_validate({"kind": link.actor_kind, "id": link.actor}),
            "action": link.action,
            "target": link.target,
            "address": link.address,
            "request": link.request,
            "facts": link.facts,
            "previous": link.previous.hex(),
            "hash": link.hash.hex(),
        }
    )


def link(found: AuditEntry) -> Link:
    """An exported entry as a link of its chain."""
    return Link(
        found.chain,
        int(found.id.removeprefix("aud_")),
        found.at,
        found.actor.kind,
        found.actor.id,
        found.action.value,
        found.target,
        found.address,
        found.request,
        found.facts,
        bytes.fromhex(found.previous),
        bytes.fromhex(found.hash),
    )


def _links(
    uow: UnitOfWork, chain: str, query: AuditFilter | None, limit: int, order: str, **bounds: int | None
) -> Sequence[Link]:
    names = ("action", "actor", "target", "since", "until")
    wanted: dict[str, Any] = {name: getattr(query, name, None) for name in names} | bounds
    given = {name: value for name, value in wanted.items() if value is not None}
    where = "".join(f" and {_CONDITIONS[name]}" for name in given)
    statement = f"{_SELECT}{where} order by number {order} limit :limit"
    rows = uow.sql(statement, chain=chain, limit=limit, **given)
    return [
        Link(**(dict(row._mapping) | {"previous": bytes(row.previous), "hash": bytes(row.hash)}))
        for row in rows
    ]


def _line(found: AuditEntry) -> bytes:
    return found.model_dump_json().encode() + b"\n"


def _cells(found: AuditEntry) -> bytes:
    values: dict[str, Any] = found.model_dump(mode="json")
    values |= {"actor_kind": found.actor.kind, "actor": found.actor.id}
    values["facts"] = json.dumps(found.facts, ensure_ascii=False) if found.facts else ""
    return _row(["" if values[name] is None else harmless(str(values[name])) for name in _COLUMNS])


def _row(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
