"""What a deployment does to the database: migrations, and each function's user in its one role."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from local.services.database import ADMIN
from shared.db.migrate import APP, SYSTEM, head
from shared.edge.manifest import load_all
from tools import migrate
from tools.migrate import ROOT, database_users

PROJECT = "imangor-test"
USERS = database_users(load_all(ROOT / "functions"), PROJECT)


@pytest.fixture
def deployed(servers, postgres_version, monkeypatch):
    """An empty database of a user who is no superuser, and the URL in the environment, as in the cloud."""
    server = servers(postgres_version)
    outside = server.engine("postgres").execution_options(isolation_level="AUTOCOMMIT")
    with outside.connect() as connection:
        connection.execute(text(f"create database deployed owner {ADMIN}"))
        for user in USERS:
            connection.execute(text(f'create role "{user}" login'))
    monkeypatch.setenv("MIGRATIONS_URL", server.url(ADMIN, "deployed"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    engine = create_engine(server.url("postgres", "deployed"))
    yield engine
    engine.dispose()
    with outside.connect() as connection:
        connection.execute(text("drop database deployed with (force)"))
        for user in USERS:
            connection.execute(text(f'drop role if exists "{user}"'))


def _roles(engine):
    query = "select u.rolname, r.rolname from pg_auth_members m join pg_roles u on u.oid = m.member "
    query += "join pg_roles r on r.oid = m.roleid where u.rolname like 'fn-%'"
    with engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text(query)))


def test_each_function_gets_its_role_and_doing_it_twice_changes_nothing(deployed, capsys):
    assert migrate.main() == 0
    assert _roles(deployed) == sorted(USERS.items())
    assert migrate.main() == 0
    assert _roles(deployed) == sorted(USERS.items())
    assert capsys.readouterr().out.splitlines() == [f"the database is at {head()}"] * 2


def test_a_user_whose_manifest_changed_leaves_its_old_role(deployed):
    migrate.main()
    user = next(user for user, role in USERS.items() if role == APP)
    with deployed.begin() as connection:
        connection.execute(text(f'revoke {APP} from "{user}" granted by {ADMIN}'))
        connection.execute(text(f'grant {SYSTEM} to "{user}" granted by {ADMIN}'))
    migrate.main()
    assert (user, APP) in _roles(deployed)
    assert (user, SYSTEM) not in _roles(deployed)


def test_a_user_that_is_not_there_is_named(deployed, capsys):
    with deployed.begin() as connection:
        connection.execute(text(f'drop role "{next(iter(USERS))}"'))
    assert migrate.main() == 1
    assert next(iter(USERS)) in capsys.readouterr().err
