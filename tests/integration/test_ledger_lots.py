"""Lots: what expires soonest goes first, what is given back returns to its lot, and what expires is gone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.db.errors import diagnostics
from shared.ledger.errors import CaptureExceedsHold, InsufficientCredits, NothingHeld
from shared.ledger.proof import prove
from shared.ledger.service import Ledger

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Purse:
    """One account's ledger with lots of these credits and days to live (None: for ever), a, b, c …"""

    def __init__(self, database, **lots):
        self.database, self.account = database, database.account()
        for name, (credits, days) in lots.items():
            expires_at = None if days is None else NOW + days * DAY
            self.move("grant", credits, name, expires_at=expires_at)

    def move(self, name, *arguments, system=False, **more):
        with self.database.uow(self.account, system=system) as uow:
            return getattr(Ledger(uow), name)(*arguments, **more)

    def hold(self, amount, *targets):
        job = self.database.job(self.account)
        self.move("hold", job, list(targets or ["es"]), amount)
        return job

    def lots(self):
        """Available and held by the name of each lot."""
        query = """select t.reference, l.available, l.held from credit_lots l
          join ledger_transactions t on t.id = l.id where l.account_id = :a order by l.id"""
        return {row[0]: (row[1], row[2]) for row in self.database.rows(query, a=self.account)}

    def expired(self):
        query = "select coalesce(sum(amount), 0)::int from ledger_entries where book = 'expired'"
        return self.database.value(query)

    def check(self):
        with self.database.uow(self.account) as uow:
            assert prove(uow).findings == []


@pytest.fixture
def purse(database):
    """Makes purses, and proves their books in the end."""
    made = []

    def purse(**lots):
        made.append(Purse(database, **lots))
        return made[-1]

    yield purse
    for each in made:
        each.check()


def test_what_expires_soonest_is_held_first_and_what_never_does_last(purse):
    mine = purse(a=(5, None), b=(3, 20), c=(4, 10))
    mine.hold(2)
    assert mine.lots() == {"a": (5, 0), "b": (3, 0), "c": (2, 2)}
    mine.hold(4)
    assert mine.lots() == {"a": (5, 0), "b": (1, 2), "c": (0, 4)}
    mine.hold(6)
    assert mine.lots() == {"a": (0, 5), "b": (0, 3), "c": (0, 4)}


def test_of_two_that_expire_together_the_older_goes_first(purse):
    mine = purse(a=(5, 10), b=(5, 10))
    mine.hold(6)
    assert mine.lots() == {"a": (0, 5), "b": (4, 1)}


def test_a_release_goes_back_to_the_lots_it_came_from(purse):
    mine = purse(a=(3, 10), b=(5, None))
    job = mine.hold(4)
    mine.move("release", job, ["es"])
    assert mine.lots() == {"a": (3, 0), "b": (5, 0)}


def test_a_capture_of_less_spends_what_expires_soonest_and_gives_the_rest_back(purse):
    mine = purse(a=(5, None), b=(3, 10))
    job = mine.hold(6)
    mine.move("capture", job, "es", 4)
    assert mine.lots() == {"a": (4, 0), "b": (0, 0)}
    mine.move("release", job, ["es"])
    mine.move("capture", job, "es", 2)
    assert mine.lots() == {"a": (4, 0), "b": (0, 0)}


def test_a_capture_of_nothing_gives_all_back_and_settles(purse):
    mine = purse(a=(5, None))
    job = mine.hold(5)
    mine.move("capture", job, "es", 0)
    assert mine.lots() == {"a": (5, 0)}
    with pytest.raises(NothingHeld):
        mine.move("extend", job, "es", 1, "pages")


def test_more_than_was_held_is_never_captured(purse):
    mine = purse(a=(9, None))
    job = mine.hold(5)
    with pytest.raises(CaptureExceedsHold):
        mine.move("capture", job, "es", 6)
    assert mine.lots() == {"a": (4, 5)}


def test_nothing_can_be_held_and_settled(purse):
    mine = purse(a=(1, None))
    job = mine.hold(0, "es", "fr")
    mine.move("capture", job, "es", 0)
    mine.move("release", job, ["fr"])
    assert mine.lots() == {"a": (1, 0)}


def test_a_hold_is_extended_once_for_each_reference(purse):
    mine = purse(a=(9, None))
    job = mine.hold(2)
    assert mine.move("extend", job, "es", 3, "pages") is True
    assert mine.move("extend", job, "es", 3, "pages") is False
    assert mine.move("extend", job, "es", 1, "more") is True
    assert mine.lots() == {"a": (3, 6)}
    with pytest.raises(InsufficientCredits, match="4 credits"):
        mine.move("extend", job, "es", 4, "too much")
    mine.move("capture", job, "es")
    assert mine.lots() == {"a": (3, 0)}
    assert mine.move("extend", job, "es", 3, "pages") is False


def test_what_was_never_held_is_not_extended(purse):
    mine = purse(a=(9, None))
    job = mine.hold(2)
    for target, of in (("fr", job), ("es", mine.database.job(mine.account))):
        with pytest.raises(NothingHeld):
            mine.move("extend", of, target, 1, "pages")


def test_an_extension_cannot_stand_in_for_the_hold(purse):
    """The moves' unique indexes are by job and target, so a hold may not come twice in any guise."""
    mine = purse(a=(9, None))
    job = mine.hold(2)
    with pytest.raises(IntegrityError):
        mine.move("hold", job, ["es"], 2)
    assert mine.lots() == {"a": (7, 2)}


@pytest.mark.parametrize("system", [False, True], ids=["app", "system"])
def test_what_is_left_of_an_expired_lot_is_taken_once(purse, system):
    mine = purse(a=(5, 1), b=(4, 3), c=(3, None))
    assert mine.move("expire", system=system) == 0
    mine.database.move_clock(2 * DAY)
    assert mine.move("expire", system=system) == 5
    assert mine.move("expire", system=system) == 0
    assert (mine.lots(), mine.expired()) == ({"a": (0, 0), "b": (4, 0), "c": (3, 0)}, 5)


def test_expired_credits_are_of_no_use_even_before_they_are_taken(purse):
    mine = purse(a=(5, 1), b=(2, None))
    mine.database.move_clock(2 * DAY)
    with pytest.raises(InsufficientCredits):
        mine.hold(3)
    with pytest.raises(InsufficientCredits):
        mine.move("adjust", -3, "x", reason="r", actor="a")
    mine.hold(2)
    assert mine.lots() == {"a": (5, 0), "b": (0, 2)}


def test_what_was_held_in_time_can_be_spent_after_its_lot_expired(purse):
    mine = purse(a=(5, 1))
    job = mine.hold(5)
    mine.database.move_clock(2 * DAY)
    assert mine.move("expire") == 0
    mine.move("capture", job, "es")
    assert (mine.lots(), mine.expired()) == ({"a": (0, 0)}, 0)


@pytest.mark.parametrize("move", [("release", ["es"]), ("capture", "es", 0), ("capture", "es", 3)])
def test_what_comes_back_to_an_expired_lot_expires_then(purse, move):
    mine = purse(a=(5, 1), b=(2, None))
    job = mine.hold(6)
    mine.database.move_clock(2 * DAY)
    name, *rest = move
    mine.move(name, job, *rest)
    spent = rest[-1] if name == "capture" else 0
    assert (mine.lots(), mine.expired()) == ({"a": (0, 0), "b": (2, 0)}, 5 - spent)


def test_an_adjustment_down_takes_what_expires_soonest_and_one_up_never_expires(purse):
    mine = purse(a=(5, None), b=(3, 10))
    assert mine.move("adjust", -4, "x", reason="wrong", actor="key_1") is True
    assert mine.move("adjust", -4, "x", reason="wrong", actor="key_1") is False
    mine.move("adjust", 2, "y", reason="right", actor="key_1")
    assert mine.lots() == {"a": (4, 0), "b": (0, 0), "y": (2, 0)}
    with pytest.raises(InsufficientCredits, match="7 credits"):
        mine.move("adjust", -7, "z", reason="too much", actor="key_1")


def insert(purse, kind, **columns):
    """The SQLSTATE with which a transaction that nobody would order is refused."""
    row = {"account_id": purse.account, "kind": kind, "amount": 1} | columns
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    with pytest.raises(DBAPIError) as caught, purse.database.uow(purse.account) as uow:
        uow.sql(f"insert into ledger_transactions ({names}) values ({marks})", **row)  # noqa: S608 - ours
    return diagnostics(caught.value)["C"]


def test_the_database_refuses_what_no_move_is(purse):
    mine = purse(a=(5, 1), b=(5, None))
    job, lot = mine.hold(1), mine.database.value("select min(id) from credit_lots")
    assert insert(mine, "grant", amount=0) == insert(mine, "grant", amount=-1) == "23514"
    assert insert(mine, "hold", amount=-1, job_id=job, target="fr") == "23514"
    assert insert(mine, "adjustment", amount=1) == "23514"
    assert insert(mine, "adjustment", amount=0, reason="r", actor="a") == "23514"
    assert insert(mine, "refund", amount=1) == "23514"
    assert insert(mine, "expiry", lot=lot) == "23502"
    assert insert(mine, "expiry", lot=999999) == "23502"
    assert insert(mine, "gift") == "23514"
    assert insert(mine, "capture", job_id=job, target="fr", amount=0) == "IM003"
    assert insert(mine, "release", job_id=job, target="fr") == "IM003"


def test_transactions_of_one_account_are_numbered_in_the_order_in_which_they_commit(database, together):
    mine = Purse(database, a=(100, None))
    jobs = [database.job(mine.account) for _ in range(12)]
    together(*[lambda job=job: mine.move("hold", job, ["es", "fr"], 1) for job in jobs])
    query = "select id, xmin::text::bigint as x from ledger_transactions where account_id = :a order by id"
    rows = database.rows(query, a=mine.account)
    by_transaction = list(dict.fromkeys(row.x for row in rows))
    assert len(by_transaction) == 13
    assert [row.x for row in rows[1:]] == [x for x in by_transaction[1:] for _ in range(2)]
