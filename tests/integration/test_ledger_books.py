"""What is read of the ledger: balance, entries, CSV, statements, and the proof that it is right."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.core.cells import harmless
from shared.ledger import entries
from shared.ledger.credits import Credits
from shared.ledger.entries import csv_of, page_of
from shared.ledger.errors import StatementNotFound
from shared.ledger.proof import prove
from shared.ledger.schemas import EntryFilter, ExportFilter, Kind, StatementFilter
from shared.ledger.service import Ledger
from shared.ledger.statements import statement_of

SOON = timedelta(days=10)
NOW = datetime.now(UTC)


class Shelf:
    """One account's ledger, written and read in transactions of their own."""

    def __init__(self, database):
        self.database = database
        self.account = database.account()

    def uow(self):
        return self.database.uow(self.account)

    def move(self, name, *arguments, **more):
        with self.uow() as uow:
            return getattr(Ledger(uow), name)(*arguments, **more)

    def read(self, function, *arguments):
        with self.uow() as uow:
            return function(uow, *arguments)

    def job(self):
        return self.database.job(self.account)

    def spend(self, *amounts):
        """A job with a target for each amount, each of which is held at 5 and captured; gives the job."""
        job = self.job()
        targets = [f"t{number}" for number in range(len(amounts))]
        self.move("hold", job, targets, 5)
        for target, amount in zip(targets, amounts, strict=True):
            self.move("capture", job, target, amount)
        return job

    def balance(self):
        with self.uow() as uow:
            return Credits(lambda: uow, self.uow).balance()

    def statement(self, month, **query):
        return self.read(statement_of, month, StatementFilter(**query))

    def proof(self):
        return self.read(prove)


@pytest.fixture
def shelf(database):
    shelf = Shelf(database)
    yield shelf
    assert shelf.proof().findings == []


def test_an_account_without_entries_has_nothing(shelf):
    assert shelf.balance().model_dump() == {"available": 0, "held": 0, "expiring": None}
    assert shelf.read(page_of, EntryFilter()).entries == []
    assert shelf.statement(NOW.strftime("%Y-%m")).closing.credits == 0
    assert shelf.proof().proven


def test_the_balance_tells_what_expires_next(shelf):
    shelf.move("grant", 5, "a", expires_at=NOW + 2 * SOON)
    shelf.move("grant", 3, "b", expires_at=NOW + SOON)
    shelf.move("grant", 4, "c", expires_at=NOW + SOON)
    shelf.move("grant", 9, "d")
    balance = shelf.balance()
    assert (balance.available, balance.held) == (21, 0)
    assert (balance.expiring.credits, balance.expiring.at) == (7, NOW + SOON)


def test_what_has_expired_counts_no_more_before_the_sweep_has_taken_it(shelf):
    shelf.move("grant", 5, "a", expires_at=NOW + SOON)
    shelf.move("grant", 2, "b")
    shelf.database.move_clock(2 * SOON)
    assert shelf.balance().model_dump() == {"available": 2, "held": 0, "expiring": None}


def test_entries_are_listed_newest_first_in_pages_without_gaps(shelf):
    for number in range(5):
        shelf.move("grant", number + 1, str(number))
    seen, cursor = [], None
    while True:
        page = shelf.read(page_of, EntryFilter(limit=2, cursor=cursor))
        seen += [entry.credits for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]


def test_an_entry_tells_how_the_balance_changed(shelf):
    shelf.move("grant", 10, "a")
    job = shelf.spend(3)
    told = [
        (e.kind, e.credits, e.available, e.held, e.job) for e in shelf.read(page_of, EntryFilter()).entries
    ]
    assert told == [
        (Kind.CAPTURE, 3, 2, -5, job),
        (Kind.HOLD, 5, -5, 5, job),
        (Kind.GRANT, 10, 10, 0, None),
    ]


def test_entries_are_filtered(shelf):
    shelf.move("grant", 10, "a")
    job = shelf.spend(1)
    shelf.spend(2)

    def kinds(**query):
        return [entry.kind for entry in shelf.read(page_of, EntryFilter(**query)).entries]

    assert kinds(kind="grant") == [Kind.GRANT]
    assert kinds(job=job) == [Kind.CAPTURE, Kind.HOLD]
    assert kinds(job=job, kind="hold") == [Kind.HOLD]
    assert kinds(until=NOW - SOON) == kinds(since=NOW + SOON) == []
    assert len(kinds(since=NOW - SOON, until=NOW + SOON)) == 5


def test_another_accounts_entries_are_not_seen(shelf):
    shelf.move("grant", 10, "a")
    assert Shelf(shelf.database).read(page_of, EntryFilter()).entries == []


def rows_of(shelf, **query):
    parts = b"".join(csv_of(shelf.uow, ExportFilter(**query))).decode()
    return list(csv.DictReader(io.StringIO(parts)))


def test_the_export_has_every_entry_once_oldest_first(shelf, monkeypatch):
    monkeypatch.setattr(entries, "EXPORT_PAGE", 2)
    for number in range(1, 6):
        shelf.move("grant", number, str(number))
    assert [row["credits"] for row in rows_of(shelf)] == ["1", "2", "3", "4", "5"]
    assert rows_of(shelf, kind="hold") == []


def test_an_export_of_nothing_is_its_header(shelf):
    assert b"".join(csv_of(shelf.uow, ExportFilter())).startswith(b"id,kind,at,job,target,credits,")


def test_no_text_of_the_export_is_a_formula_and_numbers_stay_numbers(shelf):
    shelf.move("grant", 5, "=1+1", reason='=HYPERLINK("x"),\n2')
    shelf.move("adjust", -2, "a", reason="@cmd", actor="key_1")
    grant, adjustment = rows_of(shelf)
    assert (grant["reference"], grant["reason"]) == ("'=1+1", '\'=HYPERLINK("x"),\n2')
    assert (adjustment["credits"], adjustment["available"], adjustment["reason"]) == ("-2", "-2", "'@cmd")


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_every_start_of_a_formula_is_disarmed(start):
    assert harmless(start + "x") == f"'{start}x"
    assert harmless("x" + start) == "x" + start


def at(shelf, moment, *move, **more):
    """Do a move at a time."""
    shelf.database.move_clock(moment - datetime.now(UTC))
    return shelf.spend(*move[1:]) if move[0] == "spend" else shelf.move(*move, **more)


def test_a_statement_goes_from_opening_to_closing(shelf):
    at(
        shelf,
        datetime(2030, 1, 5, tzinfo=UTC),
        "grant",
        100,
        "a",
        expires_at=datetime(2030, 2, 20, tzinfo=UTC),
    )
    first = at(shelf, datetime(2030, 1, 31, 23, 59, tzinfo=UTC), "spend", 5)
    at(shelf, datetime(2030, 2, 1, tzinfo=UTC), "grant", 50, "b")
    second = at(shelf, datetime(2030, 2, 2, tzinfo=UTC), "spend", 4, 0, 3)
    at(shelf, datetime(2030, 2, 3, tzinfo=UTC), "adjust", -8, "c", reason="r", actor="key_1")
    at(shelf, datetime(2030, 2, 4, tzinfo=UTC), "hold", shelf.job(), ["es"], 6)
    at(shelf, datetime(2030, 2, 21, tzinfo=UTC), "expire")
    at(shelf, datetime(2030, 3, 1, tzinfo=UTC), "grant", 1000, "d")

    january, february = shelf.statement("2030-01"), shelf.statement("2030-02")
    assert (january.opening.credits, january.granted, january.captured, january.closing.credits) == (
        0,
        100,
        5,
        95,
    )
    assert january.final
    assert [(job.job, job.targets, job.credits) for job in january.jobs] == [(first, 1, 5)]
    figures = february.model_dump(exclude={"month", "jobs", "next_cursor"})
    assert figures == {
        "final": False,
        "opening": {"credits": 95, "held": 0},
        "granted": 50,
        "adjusted": -8,
        "refunded": 0,
        "captured": 7,
        "expired": 74,
        "closing": {"credits": 56, "held": 6},
    }
    assert [(job.job, job.targets, job.credits) for job in february.jobs] == [(second, 3, 7)]
    at(shelf, datetime(2030, 3, 1, 2, tzinfo=UTC), "expire")
    assert shelf.statement("2030-02").final


def test_a_statement_pages_through_its_jobs(shelf):
    shelf.move("grant", 100, "a")
    jobs = sorted(shelf.spend(1) for _ in range(3))
    month = datetime.now(UTC).strftime("%Y-%m")
    page = shelf.statement(month, limit=2)
    assert ([job.job for job in page.jobs], page.next_cursor) == (jobs[:2], jobs[1])
    rest = shelf.statement(month, limit=2, cursor=page.next_cursor)
    assert ([job.job for job in rest.jobs], rest.next_cursor) == (jobs[2:], None)


def test_there_is_no_statement_of_a_month_to_come(shelf):
    with pytest.raises(StatementNotFound):
        shelf.statement((NOW + timedelta(days=32)).strftime("%Y-%m"))
    assert shelf.statement("2020-01").closing.credits == 0


TAMPERED = {
    "balance": "update balances set available = available + 1",
    "lot": "update credit_lots set available = available + 1 where id = (select min(id) from credit_lots)",
    "amount": "update ledger_transactions set amount = amount + 1 where kind = 'capture'",
    "transaction": "update ledger_entries set amount = amount + 1 where book = 'spent'",
    "lost": "delete from ledger_entries where book = 'spent'",
}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("balance", {"balance"}),
        ("lot", {"lot"}),
        ("amount", {"amount"}),
        ("transaction", {"transaction", "amount"}),
        ("lost", {"transaction", "amount"}),
    ],
)
def test_the_proof_finds_what_somebody_changed_behind_the_ledgers_back(database, change, what):
    shelf = Shelf(database)
    shelf.move("grant", 10, "a")
    shelf.spend(3)
    assert shelf.proof().proven
    with database.server.engine("postgres").begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(TAMPERED[change]))
    proof = shelf.proof()
    assert not proof.proven
    assert {finding.what for finding in proof.findings} == what


def test_the_proof_finds_what_is_held_for_a_settled_target(database):
    shelf = Shelf(database)
    shelf.move("grant", 10, "a")
    job = shelf.job()
    shelf.move("hold", job, ["es"], 4)
    with database.server.engine("postgres").begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(
            text(
                "insert into ledger_transactions (id, account_id, kind, job_id, target, amount)"
                " values (999, :a, 'release', :j, 'es', 0)"
            ),
            {"a": shelf.account, "j": job},
        )
    assert {(finding.what, finding.which) for finding in shelf.proof().findings} == {("hold", f"{job}/es")}
