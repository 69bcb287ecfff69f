"""The ledger against the database: each move once, balances that are always the sum of their entries."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.db.errors import diagnostics
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import InsufficientCredits
from shared.ledger.service import Ledger

ROOM = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


class Book:
    """One account's ledger, each move in a transaction of its own."""

    def __init__(self, database, credits=0):
        self.database = database
        self.account = database.account(credits)

    def __getattr__(self, move):
        def run(*arguments):
            with self.database.uow(self.account) as uow:
                getattr(Ledger(uow), move)(*arguments)

        return run

    def first(self):
        """The number of the account's first transaction."""
        return self.database.value(
            "select min(id) from ledger_transactions where account_id = :a", a=self.account
        )

    def job(self):
        return self.database.job(self.account)

    @property
    def balance(self):
        rows = self.database.rows(
            "select available, held from balances where account_id = :a", a=self.account
        )
        return tuple(rows[0]) if rows else (0, 0)

    def sums(self):
        found = self.database.rows(
            "select book, sum(amount)::bigint from ledger_entries where account_id = :a group by book",
            a=self.account,
        )
        return {row.book: row[1] for row in found}

    def check(self):
        """What must hold at all times."""
        sums = self.sums()
        assert self.balance == (sums.get("available", 0), sums.get("held", 0))
        assert sum(sums.values()) == 0
        unbalanced = "select transaction_id from ledger_entries group by 1 having sum(amount) <> 0"
        assert self.database.rows(unbalanced) == []
        empty = (
            "select id from ledger_transactions where id not in (select transaction_id from ledger_entries)"
        )
        assert self.database.rows(empty) == []


@pytest.fixture
def book(database):
    book = Book(database, 10)
    yield book
    book.check()


def test_credits_are_granted_held_and_captured(book):
    job = book.job()
    book.hold(job, ["es", "fr"], 3)
    assert book.balance == (4, 6)
    book.capture(job, "es")
    assert book.balance == (4, 3)
    book.release(job, ["fr"])
    assert book.balance == (7, 0)
    assert book.sums() == {"issued": -10, "available": 7, "held": 0, "spent": 3}


def test_a_grant_counts_once_for_each_reference(book):
    book.grant(5, "voucher")
    book.grant(5, "voucher")
    book.grant(9, "voucher")
    assert book.balance == (15, 0)
    book.grant(5, "another")
    assert book.balance == (20, 0)


def test_the_same_reference_of_another_account_is_another_grant(book, database):
    book.grant(5, "voucher")
    other = Book(database)
    other.grant(7, "voucher")
    assert (book.balance, other.balance) == ((15, 0), (7, 0))


def test_a_target_is_held_once(book):
    job = book.job()
    book.hold(job, ["es"], 1)
    with pytest.raises(IntegrityError):
        book.hold(job, ["fr", "es"], 1)
    assert book.balance == (9, 1)


@pytest.mark.parametrize("first", ["capture", "release"])
@pytest.mark.parametrize("second", ["capture", "release"])
def test_a_target_is_settled_once(book, first, second):
    job = book.job()
    book.hold(job, ["es"], 4)
    settle(book, first, job, "es")
    settled = book.balance
    settle(book, second, job, "es")
    assert book.balance == settled == ((6, 0) if first == "capture" else (10, 0))


def settle(book, move, job, target):
    getattr(book, move)(job, target if move == "capture" else [target])


def test_settling_what_was_never_held_does_nothing(book):
    job = book.job()
    book.capture(job, "es")
    book.release(job, ["es", "fr"])
    book.release(job, [])
    assert book.balance == (10, 0)


def test_releasing_several_skips_those_settled_before(book):
    job = book.job()
    book.hold(job, ["de", "es", "fr"], 2)
    book.capture(job, "es")
    book.release(job, ["de", "es", "fr", "pt"])
    assert book.balance == (8, 0)


def test_too_few_credits_leave_nothing_behind(book):
    job = book.job()
    with pytest.raises(InsufficientCredits, match="12 credits"):
        book.hold(job, ["de", "es", "fr"], 4)
    assert book.balance == (10, 0)
    assert book.database.rows("select id from ledger_transactions where kind = 'hold'") == []
    book.hold(job, ["de", "es"], 5)
    assert book.balance == (0, 10)


def test_an_account_that_was_never_granted_anything_has_no_credit(database):
    book = Book(database)
    with pytest.raises(InsufficientCredits):
        book.hold(book.job(), ["es"], 1)
    book.check()


def test_another_account_cannot_settle_a_hold(book, database):
    job = book.job()
    book.hold(job, ["es"], 1)
    thief = Book(database)
    thief.capture(job, "es")
    thief.release(job, ["es"])
    assert (book.balance, thief.balance) == ((9, 1), (0, 0))


def as_superuser(book, statement, **parameters):
    """The SQLSTATE with which the database refuses what even its superuser tries."""
    engine = book.database.server.engine("postgres")
    with pytest.raises(DBAPIError) as caught, UnitOfWork(lambda: engine, book.account) as uow:
        uow.sql(statement, **parameters)
    return diagnostics(caught.value)["C"]


@pytest.mark.parametrize(
    "entries", ["(:t, :a, 'held', 5, :t)", "(:t, :a, 'held', 5, :t), (:t, :a, 'spent', -4, :t)"]
)
def test_a_transaction_that_does_not_balance_is_refused_at_commit(book, entries):
    transaction = book.first()
    insert = f"insert into ledger_entries (transaction_id, account_id, book, amount, lot) values {entries}"  # noqa: S608 - ours
    assert as_superuser(book, insert, t=transaction, a=book.account) == "IM002"
    assert book.balance == (10, 0)


def test_entries_are_written_by_the_database_alone(book):
    insert = """insert into ledger_entries (transaction_id, account_id, book, amount, lot)
      values (:t, :a, 'held', 5, :t), (:t, :a, 'spent', -5, :t)"""
    with pytest.raises(DBAPIError) as caught, book.database.uow(book.account) as uow:
        uow.sql(insert, t=book.first(), a=book.account)
    assert diagnostics(caught.value)["C"] == "42501"


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_entries"])
@pytest.mark.parametrize("change", ["update {} set amount = 1", "delete from {}", "truncate {} cascade"])
def test_the_ledger_is_append_only_for_everybody(book, table, change):
    assert as_superuser(book, change.format(table)) == "IM006"


def test_many_at_once_hold_exactly_what_the_credit_covers(database, together):
    book = Book(database, 5)
    jobs = [book.job() for _ in range(20)]
    results = together(*[lambda job=job: book.hold(job, ["es"], 1) for job in jobs])
    assert [type(result) for result in results if result is not None] == [InsufficientCredits] * 15
    assert book.balance == (0, 5)
    book.check()


def test_many_at_once_settle_a_target_once(database, together):
    book = Book(database, 5)
    job = book.job()
    book.hold(job, ["es", "fr"], 2)
    moves = [lambda: book.capture(job, "es"), lambda: book.release(job, ["es", "fr"])]
    assert together(*moves * 6) == [None] * 12
    available, held = book.balance
    assert (available, held) in {(3, 0), (5, 0)}
    book.check()


def test_the_same_grant_at_the_same_time_counts_once(database, together):
    book = Book(database)
    assert together(*[lambda: book.grant(5, "voucher")] * 8) == [None] * 8
    assert book.balance == (5, 0)


def test_a_hold_waits_for_a_release_that_is_under_way(database):
    book = Book(database, 1)
    first, second, ended = book.job(), book.job(), []
    book.hold(first, ["es"], 1)

    def hold():
        try:
            book.hold(second, ["es"], 1)
            ended.append("held")
        except InsufficientCredits:
            ended.append("refused")

    thread = threading.Thread(target=hold)
    with database.uow(book.account) as uow:
        Ledger(uow).release(first, ["es"])
        thread.start()
        thread.join(0.2)
        assert ended == []
    thread.join(5)
    assert ended == ["held"]


class Model:
    """What a ledger is, in a few lines."""

    def __init__(self):
        self.available = self.spent = 0
        self.held = {}
        self.settled, self.granted = set(), set()

    def grant(self, reference, amount):
        if reference not in self.granted:
            self.granted.add(reference)
            self.available += amount

    def hold(self, target, amount):
        if target in self.held or target in self.settled or amount > self.available:
            return False
        self.held[target] = amount
        self.available -= amount
        return True

    def settle(self, target, move):
        amount = self.held.pop(target, 0)
        if amount:
            self.settled.add(target)
        if move == "capture":
            self.spent += amount
        else:
            self.available += amount


TARGETS = st.sampled_from(["de", "es", "fr"])
STEP = st.one_of(
    st.tuples(st.just("grant"), st.sampled_from("abc"), st.integers(1, 9)),
    st.tuples(st.just("hold"), TARGETS, st.integers(1, 9)),
    st.tuples(st.sampled_from(["capture", "release"]), TARGETS, st.just(0)),
)


@ROOM
@given(steps=st.lists(STEP, max_size=12))
def test_any_sequence_of_moves_ends_as_the_model_says(database, steps):
    book, model = Book(database), Model()
    job = book.job()
    for move, what, amount in steps:
        if move == "grant":
            book.grant(amount, what)
            model.grant(what, amount)
        elif move == "hold":
            try:
                book.hold(job, [what], amount)
                done = True
            except (InsufficientCredits, IntegrityError):
                done = False
            assert done is model.hold(what, amount)
        else:
            settle(book, move, job, what)
            model.settle(what, move)
    assert book.balance == (model.available, sum(model.held.values()))
    assert book.sums().get("spent", 0) == model.spent
    book.check()
