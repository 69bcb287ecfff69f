"""An account's credits from before there were lots, after the migration that brings them."""

import pytest
from sqlalchemy import create_engine, text

from local.services.database import ADMIN
from shared.db.migrate import upgrade
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.service import Ledger

BEFORE = "0006"
OLD = """
insert into accounts (id, name) values ('acc_1', 'Somebody'), ('acc_2', 'Nobody');
insert into jobs (id, account_id, created_by, origin, state, name, source_object, results_prefix)
  values ('job_1', 'acc_1', 'key_1', 'upload', 'queued', 'a.jpg', 's', 'r');
insert into ledger_transactions (account_id, kind, job_id, target, reference) values
  ('acc_1', 'grant', null, null, 'first'), ('acc_1', 'hold', 'job_1', 'es', null),
  ('acc_1', 'hold', 'job_1', 'fr', null), ('acc_1', 'capture', 'job_1', 'es', null),
  ('acc_1', 'grant', null, null, 'second');
insert into ledger_entries (transaction_id, account_id, book, amount) values
  (1, 'acc_1', 'issued', -10), (1, 'acc_1', 'available', 10),
  (2, 'acc_1', 'available', -3), (2, 'acc_1', 'held', 3),
  (3, 'acc_1', 'available', -3), (3, 'acc_1', 'held', 3),
  (4, 'acc_1', 'held', -3), (4, 'acc_1', 'spent', 3),
  (5, 'acc_1', 'issued', -5), (5, 'acc_1', 'available', 5)
"""


@pytest.fixture
def migrated(servers, postgres_version):
    """A superuser's engine on a database that had entries without lots and then was migrated."""
    server = servers(postgres_version)
    outside = server.engine("postgres").execution_options(isolation_level="AUTOCOMMIT")
    with outside.connect() as connection:
        connection.execute(text(f"create database lotless owner {ADMIN}"))
    upgrade(server.url(ADMIN, "lotless"), BEFORE)
    engine = create_engine(server.url("postgres", "lotless"))
    with engine.begin() as connection:
        connection.execute(text("select set_config('app.account', 'acc_1', true)"))
        for statement in OLD.split(";"):
            connection.execute(text(statement))
    upgrade(server.url(ADMIN, "lotless"))
    yield engine
    engine.dispose()
    with outside.connect() as connection:
        connection.execute(text("drop database lotless with (force)"))


def rows(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_was_granted_before_is_one_lot(migrated):
    assert rows(migrated, "select id, available, held, expires_at from credit_lots") == [(1, 9, 3, None)]
    assert rows(migrated, "select distinct lot from ledger_entries") == [(1,)]
    assert rows(migrated, "select kind, amount from ledger_transactions order by id") == [
        ("grant", 10),
        ("hold", 3),
        ("hold", 3),
        ("capture", 3),
        ("grant", 5),
    ]


def test_moves_go_on_where_they_stood(migrated):
    with UnitOfWork(lambda: migrated, "acc_1") as uow:
        ledger = Ledger(uow)
        ledger.capture("job_1", "es")
        ledger.release("job_1", ["fr"])
        ledger.grant(7, "third")
    new = rows(migrated, "select kind, amount from ledger_transactions where id > 5 order by id")
    assert new == [("release", 3), ("grant", 7)]
    assert rows(migrated, "select available, held from balances") == [(19, 0)]
