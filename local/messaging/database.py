"""The one SQLite file that holds everything accepted, so that a killed process loses nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_SCHEMA = """
create table if not exists topics (name text primary key, body blob not null);
create table if not exists subscriptions (name text primary key, body blob not null);
create table if not exists messages (id integer primary key, body blob not null);
create table if not exists deliveries (
    subscription text not null,
    message integer not null,
    ordering_key text not null,
    failures integer not null default 0,
    lease integer not null default 0,
    leased integer not null default 0,
    due real not null,
    primary key (subscription, message)
) without rowid;
create index if not exists deliveries_due on deliveries (subscription, due);
create index if not exists deliveries_message on deliveries (message);
create index if not exists deliveries_key on deliveries (subscription, ordering_key, message);
create table if not exists queues (name text primary key, body blob not null);
create table if not exists tasks (
    name text primary key,
    queue text not null,
    named integer not null,
    body blob not null,
    due real not null,
    running integer not null default 0,
    attempts integer not null default 0,
    executions integer not null default 0,
    started real,
    status integer,
    reason text not null default ''
);
create index if not exists tasks_due on tasks (queue, running, due);
create table if not exists tombstones (name text primary key, until real not null);
"""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open, and on first use make, the state of both services.

    The file is locked for one process: two emulators on one state would deliver everything twice. Raises
    sqlite3.OperationalError where another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / "messaging.db", timeout=2)
    database.row_factory = sqlite3.Row
    database.execute("pragma locking_mode = exclusive")
    database.execute("pragma journal_mode = wal")
    # A killed process loses nothing at any setting; only a power cut could, and this is not production.
    database.execute("pragma synchronous = off")
    database.executescript(_SCHEMA)
    return database
