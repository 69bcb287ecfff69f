"""The ledger's part of the sweep: credits expire, and books that are wrong are told of."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.ledger.service import Ledger
from shared.ledger.upkeep import LedgerUpkeep
from tools.prove_ledger import main

DAY = timedelta(days=1)


@pytest.fixture
def upkeep(database):
    return LedgerUpkeep(lambda account: database.uow(account, system=True))


def with_lot(database, credits, days):
    account = database.account(1)
    with database.uow(account) as uow:
        Ledger(uow).grant(credits, "lot", expires_at=datetime.now(UTC) + days * DAY)
    return account


def available(database):
    return dict(map(tuple, database.rows("select account_id, available from balances")))


def tamper(database, account):
    with database.server.engine("postgres").begin() as connection:
        change = "update balances set available = available + 1 where account_id = :a"
        connection.execute(text(change), {"a": account})


def test_credits_of_every_account_expire_when_their_time_is_over(database, upkeep, together):
    gone, left = [with_lot(database, 5, 1) for _ in range(3)], with_lot(database, 5, 3)
    upkeep.expire()
    assert set(available(database).values()) == {6}
    database.move_clock(2 * DAY)
    assert together(*[upkeep.expire] * 4) == [None] * 4
    assert available(database) == {**dict.fromkeys(gone, 1), left: 6}
    assert database.value("select count(*) from ledger_transactions where kind = 'expiry'") == 3


def test_books_are_proven_once_a_day_and_what_is_wrong_is_told(database, upkeep, caplog):
    right, wrong = database.account(5), database.account(5)
    tamper(database, wrong)
    with caplog.at_level(logging.ERROR):
        upkeep.prove()
        assert caplog.records == []
        database.move_clock(2 * DAY)
        upkeep.prove()
        upkeep.prove()
    (told,) = caplog.records
    assert told.fields == {"account": wrong, "findings": [f"balance {wrong}"]}
    moments = database.rows("select proved_at > now() + interval '1 day' from balances")
    assert [tuple(row) for row in moments] == [(True,), (True,)]
    assert right != wrong


def test_the_command_proves_every_account_or_those_named(database, capsys):
    right, wrong = database.account(5), database.account(5)
    url = ["--database-url", database.server.url("postgres")]
    assert main(url) == 0
    assert capsys.readouterr().out == "2 of 2 accounts proven\n"
    tamper(database, wrong)
    assert main(url) == 1
    assert capsys.readouterr() == ("1 of 2 accounts proven\n", f"{wrong}: balance {wrong}\n")
    assert main([*url, right]) == 0
