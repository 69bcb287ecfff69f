"""Bring a database's schema up or down. Run by the deployment and the local cloud, never by a function.

While a release moves, two versions of the code work on one database. A migration that both can live with
expands: it adds. One that takes away what only the version before still uses says `phase = "contract"` in
its file, and waits until that version is gone.
"""

from __future__ import annotations

import time
from itertools import takewhile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from shared.db.errors import diagnostics

OWNER = "imangor_owner"
APP = "imangor_app"
SYSTEM = "imangor_system"
ERASER = "imangor_eraser"
EXPAND, CONTRACT = "expand", "contract"

# A migration that waits for a table's lock keeps everybody else waiting behind it, who give up after five
# seconds. Less than a second, after which one of two that wait for each other is ended: not a customer.
_LOCK_TIMEOUT = "500ms"
_LOCK_TRIES = 60
_BUSY = frozenset({"55P03", "40P01"})  # a lock that was not to be had, or that each of two waited for

# PostgreSQL has no CREATE ROLE IF NOT EXISTS; roles outlive databases, so no migration may own them.
_ROLES = f"""
do $$ declare r text; begin
  foreach r in array array['{OWNER}', '{APP}', '{SYSTEM}', '{ERASER}'] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I nologin nobypassrls', r);
    end if;
  end loop;
  grant {APP} to {ERASER} with inherit true, set false;
  execute format('grant {OWNER} to %I', current_user);
  execute format('grant create on database %I to {OWNER}', current_database());
  execute 'grant usage, create on schema public to {OWNER}';
end $$
"""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest revision in the code."""
    return ScriptDirectory.from_config(_config()).get_current_head() or "base"


class WrongPhase(Exception):
    """What is asked for lies behind a migration of the other phase; the message says which comes first."""


def phase_of(script: Any) -> str:
    """`expand`, unless the migration's file says otherwise."""
    return str(getattr(script.module, "phase", EXPAND))


def pending(url: str) -> list[tuple[str, str]]:
    """Revisions that the database lacks, the oldest first, each with its phase."""
    at = current(url)
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions("head", at or "base")
    return [(script.revision, phase_of(script)) for script in reversed(list(scripts))]


def expand(url: str) -> None:
    """Migrate as far as the version that serves can live with; an empty database, which nobody uses, wholly.

    Raises `WrongPhase` where something to add lies behind what has not been taken away yet.
    """
    at, waiting = current(url), pending(url)
    if at is None:
        upgrade(url)
        return
    ahead = [revision for revision, phase in takewhile(lambda each: each[1] == EXPAND, waiting)]
    behind = [revision for revision, phase in waiting[len(ahead) :] if phase == EXPAND]
    if behind:
        raise WrongPhase(
            f"{waiting[len(ahead)][0]} contracts and comes before {behind[0]}: run --contract first"
        )
    upgrade(url, ahead[-1] if ahead else at)


def contract(url: str) -> None:
    """Take away what the version before still used. Only when no revision of it serves any more.

    Raises `WrongPhase` where something has to be added first.
    """
    waiting = pending(url)
    due = [revision for revision, phase in takewhile(lambda each: each[1] == CONTRACT, waiting)]
    if waiting and not due:
        raise WrongPhase(f"{waiting[0][0]} expands and comes first: run --expand")
    if due:
        upgrade(url, due[-1])


def upgrade(url: str, revision: str = "head") -> None:
    """Create the four roles where they are missing and migrate up. `url` needs CREATEROLE."""
    _run(url, command.upgrade, revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Migrate down to `revision`."""
    _run(url, command.downgrade, revision)


def current(url: str) -> str | None:
    """The revision that the database is at, or None before the first."""
    engine = create_engine(url)
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return revision


def _run(url: str, step: Any, revision: str) -> None:
    engine = create_engine(url, poolclass=NullPool)  # a connection that comes back would still be the owner's
    try:
        for turn in range(_LOCK_TRIES):
            try:
                return _migrate(engine.connect(), step, revision)
            except DBAPIError as error:
                if diagnostics(error).get("C") not in _BUSY or turn == _LOCK_TRIES - 1:
                    raise
                time.sleep(1)
    finally:
        engine.dispose()


def _migrate(connection: Connection, step: Any, revision: str) -> None:
    """Each migration is its own transaction: what was done before a lock was refused stays done."""
    with connection:
        connection.execute(text(_ROLES))
        connection.execute(text(f"set role {OWNER}"))
        connection.execute(text(f"set lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.commit()
        step(_config(connection), revision)
        connection.commit()
