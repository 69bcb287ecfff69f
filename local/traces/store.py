"""The spans that functions send, kept in one SQLite file of the state folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_MOST = 200_000
_TABLE = """
create table if not exists spans (
  trace text not null, id text primary key, parent text, service text not null, name text not null,
  kind integer not null, began integer not null, ended integer not null, error text, job text,
  about text not null);
create index if not exists of_trace on spans (trace);
create index if not exists of_job on spans (job) where job is not null;
"""
# Attributes that a line of the tree shows, by the names that it shows them under.
_SHOWN = {
    "http.response.status_code": "status",
    "imangor.step": "step",
    "imangor.target": "target",
    "imangor.units": "units",
}


@dataclass(frozen=True)
class Kept:
    """A span; times are in nanoseconds since the epoch. `about` is what its line says besides."""

    trace: str
    id: str
    parent: str
    service: str
    name: str
    kind: int
    began: int
    ended: int
    error: str | None
    job: str | None
    about: str


class TraceStore:
    """Keeps spans, and forgets the oldest when there are many."""

    def __init__(self, path: Path) -> None:
        """The file is made when it is first needed."""
        self._path = path

    def add(self, message: bytes) -> int:
        """Keep the spans of an OTLP message; gives their number. Raises ValueError for anything else."""
        try:
            spans = list(_read(message))
        except Exception as error:
            raise ValueError("this is no ExportTraceServiceRequest") from error
        rows = [tuple(vars(span).values()) for span in spans]
        with closing(self._open()) as database, database:
            database.executemany(f"insert or replace into spans values ({', '.join('?' * 11)})", rows)  # noqa: S608
            database.execute("delete from spans where rowid <= (select max(rowid) from spans) - ?", (_MOST,))
        return len(rows)

    def traces_of(self, job: str) -> list[str]:
        """The traces in which work of the job was done, the earliest first, not those that only read it."""
        query = """select trace from spans where job = ? and name not like 'GET %' group by trace
          order by min(began)"""
        with closing(self._open()) as database:
            return [row[0] for row in database.execute(query, (job,))]

    def spans(self, trace: str) -> list[Kept]:
        """The spans of a trace, by their beginnings."""
        query = "select * from spans where trace = ? order by began"
        with closing(self._open()) as database:
            return [Kept(*row) for row in database.execute(query, (trace,))]

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=10)
        database.execute("pragma synchronous = off")
        database.executescript(_TABLE)
        return database


def _read(message: bytes) -> Iterator[Kept]:
    request = ExportTraceServiceRequest.FromString(message)
    for group in request.resource_spans:
        service = str(_values(group.resource.attributes).get("service.name", ""))
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _kept(span, service)


def _kept(span: Any, service: str) -> Kept:
    values = _values(span.attributes)
    about = " ".join(f"{short}={values[name]}" for name, short in _SHOWN.items() if name in values)
    return Kept(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        service,
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.message or None,
        values.get("imangor.job"),
        about,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
