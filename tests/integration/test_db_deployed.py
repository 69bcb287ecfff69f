"""What a deployment does to the database: migrations, and each function's user in its one role."""

from __future__ import annotations

import os
import threading
import time

import pytest
from sqlalchemy import create_engine, text

from local.services.database import ADMIN
from shared.db import migrate as steps
from shared.db.migrate import (
    APP,
    CONTRACT,
    EXPAND,
    SYSTEM,
    WrongPhase,
    contract,
    current,
    downgrade,
    expand,
    head,
    upgrade,
)
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


@pytest.fixture
def phased(deployed, monkeypatch):
    """A migrated database, to whose chain a test adds migrations of the phases that it names."""

    def add(*phases):
        url = os.environ["MIGRATIONS_URL"]
        chain = [(f"9{number:03}", phase) for number, phase in enumerate(phases)]
        done: list[str] = []
        monkeypatch.setattr(steps, "pending", lambda url: chain[len(done) :])
        monkeypatch.setattr(
            steps, "upgrade", lambda url, revision="head": done.extend(_until(chain, done, revision))
        )
        return url, done

    upgrade(os.environ["MIGRATIONS_URL"])
    return add


def _until(chain, done, revision):
    waiting = [name for name, _ in chain[len(done) :]]
    return waiting[: waiting.index(revision) + 1] if revision in waiting else []


def test_expanding_stops_before_what_contracts(phased):
    url, done = phased(EXPAND, EXPAND, CONTRACT)
    expand(url)
    assert done == ["9000", "9001"]
    expand(url)
    assert done == ["9000", "9001"]
    contract(url)
    assert done == ["9000", "9001", "9002"]
    contract(url)


def test_what_lies_behind_the_other_phase_is_refused_by_name(phased):
    url, done = phased(CONTRACT, EXPAND)
    with pytest.raises(WrongPhase, match="9000 contracts and comes before 9001"):
        expand(url)
    contract(url)
    with pytest.raises(WrongPhase, match="9001 expands"):
        contract(url)
    assert done == ["9000"]
    expand(url)
    assert done == ["9000", "9001"]


def test_an_empty_database_has_no_phases(deployed, capsys):
    assert migrate.main(["--contract"]) == 2
    assert "run --expand" in capsys.readouterr().err
    assert migrate.main(["--expand"]) == 0
    assert capsys.readouterr().out == f"the database is at {head()}\n"


def test_a_migration_that_waits_for_a_lock_lets_others_pass_and_goes_on(deployed, monkeypatch):
    url = os.environ["MIGRATIONS_URL"]
    upgrade(url)
    downgrade(url, "0016")
    monkeypatch.setattr(steps, "_LOCK_TIMEOUT", "200ms")
    with deployed.connect() as other:
        other.execute(text("select count(*) from webhook_deliveries"))
        migration = threading.Thread(target=upgrade, args=(url, "0017"))
        migration.start()
        time.sleep(0.6)
        with deployed.begin() as third:
            third.execute(text("set local lock_timeout = '1s'"))
            third.execute(text("select count(*) from webhook_deliveries"))
        other.rollback()
    migration.join(20)
    assert current(url) == "0017"
