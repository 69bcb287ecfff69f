"""The production engine with Google's own connector, at an Admin API and an instance on loopback."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from google.cloud.sql import connector as library
from sqlalchemy import text

from shared.db.engine import engine
from shared.db.errors import DatabaseDown
from shared.db.unit_of_work import UnitOfWork
from tests.integration.cloud_sql import Credentials, Instance

USER = "fn-jobs@imangor-test.iam"


@pytest.fixture
def instance(database, tmp_path):
    found = Instance(tmp_path, database.server.port)
    database.run(f'create role "{USER}" login nobypassrls in role imangor_app')
    yield found
    database.run(f'drop role "{USER}"')


@pytest.fixture
def production(instance, monkeypatch):
    """The engine as the cloud's settings make it; only where the Admin API is, and who asks it, differs."""
    monkeypatch.setenv("INSTANCE_CONNECTION_NAME", "imangor-test:europe-west4:imangor")
    monkeypatch.setenv("DATABASE_NAME", "imangor")
    monkeypatch.setenv("DATABASE_USER", USER)
    engine.cache_clear()
    with instance.serving() as endpoint:
        told = {"sqladmin_api_endpoint": endpoint, "credentials": Credentials()}
        monkeypatch.setattr(library, "Connector", partial(library.Connector, **told))
        yield engine
        engine().dispose()
    engine.cache_clear()


def asked(instance):
    return sorted(what for what, _ in instance.asked)


def test_a_function_logs_in_as_its_own_account_over_the_private_address(production, instance):
    with UnitOfWork(production) as uow:
        assert uow.execute(text("select current_user")).scalar_one() == USER
    assert instance.logins == [USER]
    # The connector asks for both at the same time.
    assert sorted(instance.asked) == [("connectSettings", ""), ("generateEphemeralCert", "sqlservice.login")]


def test_nothing_is_asked_before_the_first_connection_and_once_for_many(production, instance):
    pool = production()
    assert instance.asked == []
    for _ in range(3):
        pool.connect().close()
        pool.dispose()
    assert len(instance.logins) == 3
    assert asked(instance) == ["connectSettings", "generateEphemeralCert"]


def test_a_certificate_that_is_about_to_expire_is_renewed_when_somebody_connects(production, instance):
    instance.lifetime = timedelta(minutes=3)
    production().connect().close()
    assert asked(instance).count("generateEphemeralCert") == 1
    production().dispose()
    production().connect().close()
    assert asked(instance).count("generateEphemeralCert") == 2


@pytest.mark.parametrize("status", [403, 404])
def test_an_admin_api_that_refuses_is_a_database_that_is_down(production, instance, status):
    instance.refuse = status
    with pytest.raises(DatabaseDown), UnitOfWork(production) as uow:
        uow.execute(text("select 1"))
    instance.refuse = 0
    with UnitOfWork(production) as uow:
        assert uow.execute(text("select 1")).scalar_one() == 1


def test_an_admin_api_that_is_not_there_is_a_database_that_is_down(instance, monkeypatch):
    monkeypatch.setenv("INSTANCE_CONNECTION_NAME", "imangor-test:europe-west4:imangor")
    told = {"sqladmin_api_endpoint": "http://127.0.0.1:9", "credentials": Credentials()}
    monkeypatch.setattr(library, "Connector", partial(library.Connector, **told))
    engine.cache_clear()
    with pytest.raises(DatabaseDown), UnitOfWork(engine) as uow:
        uow.execute(text("select 1"))
    engine.cache_clear()


def test_an_instance_that_takes_no_connections_is_a_database_that_is_down(production, instance, monkeypatch):
    monkeypatch.setattr("tests.integration.cloud_sql.ADDRESS", "127.83.7.2")
    with pytest.raises(DatabaseDown), UnitOfWork(production) as uow:
        uow.execute(text("select 1"))
