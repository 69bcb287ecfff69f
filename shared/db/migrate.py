"""Bring a database's schema up or down. Run by the deployment and the local cloud, never by a function."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

OWNER = "imangor_owner"
APP = "imangor_app"
SYSTEM = "imangor_system"

# PostgreSQL has no CREATE ROLE IF NOT EXISTS; roles outlive databases, so no migration may own them.
_ROLES = f"""
do $$ declare r text; begin
  foreach r in array array['{OWNER}', '{APP}', '{SYSTEM}'] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I nologin nobypassrls', r);
    end if;
  end loop;
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


def upgrade(url: str, revision: str = "head") -> None:
    """Create the three roles where they are missing and migrate up. `url` needs CREATEROLE."""
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


def _run(url: str, step: object, revision: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(_ROLES))
        connection.execute(text(f"set role {OWNER}"))
        connection.commit()
        step(_config(connection), revision)  # type: ignore[operator]
        connection.commit()
    engine.dispose()
