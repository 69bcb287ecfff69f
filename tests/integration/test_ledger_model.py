"""Any sequence of moves, crashes and retries leaves the ledger as a model of a page says.

The model keeps lots as a list and knows nothing of entries, triggers or locks. After each step the balance,
the lots and the books must be the model's, and the proof must find nothing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from shared.ledger.errors import CaptureExceedsHold, InsufficientCredits, NothingHeld, RefundExceedsPurchase
from shared.ledger.proof import prove
from shared.ledger.service import Ledger

REFUSALS = (CaptureExceedsHold, InsufficientCredits, IntegrityError, NothingHeld, RefundExceedsPurchase)
NOW = datetime.now(UTC)
NEVER = 10**6


@dataclass
class Lot:
    granted: int
    expires: int = NEVER
    available: int = 0
    held: int = 0
    refunded: int = 0


@dataclass
class Model:
    """Days pass; a lot that expires on day 3 is of use on day 2 and no more on day 3."""

    day: int = 0
    lots: dict[str, Lot] = field(default_factory=dict)
    holds: dict[str, dict[str, int]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set)
    spent: int = 0
    expired: int = 0

    def grant(self, amount, reference, days):
        return self._once(reference) and self._add(
            reference, amount, NEVER if days is None else self.day + days
        )

    def hold(self, targets, amount):
        if self.holds.keys() & set(targets):
            raise IntegrityError("", None, ValueError())
        for target in targets:
            self.holds[target] = self._take(amount)

    def extend(self, target, amount, reference):
        if not self._once(f"{target}/{reference}"):
            return False
        if target not in self.holds or target in self.settled:
            raise NothingHeld
        for name, part in self._take(amount).items():
            self.holds[target][name] = self.holds[target].get(name, 0) + part
        return True

    def capture(self, target, amount):
        if target in self.holds and target not in self.settled:
            held = sum(self.holds[target].values())
            self._settle(target, held if amount is None else amount)

    def release(self, targets):
        for target in sorted(targets):
            if target in self.holds and target not in self.settled:
                self._settle(target, 0)

    def adjust(self, amount, reference):
        if not self._once(reference):
            return False
        if amount > 0:
            return self._add(reference, amount, NEVER)
        self._take(-amount, into_held=False)
        return True

    def refund(self, amount, reference, purchase):
        if not self._once(reference):
            return False
        lot = self.lots[purchase]
        lot.refunded += amount
        if lot.refunded > lot.granted:
            raise RefundExceedsPurchase
        usable = sum(each.available for each in self.lots.values() if each.expires > self.day)
        self._take(min(amount, usable), into_held=False, first=purchase)
        return True

    def expire(self):
        gone = [lot for lot in self.lots.values() if lot.expires <= self.day]
        left = sum(lot.available for lot in gone)
        for lot in gone:
            lot.available = 0
        self.expired += left
        return left

    def _once(self, reference):
        new = reference not in self.references
        self.references.add(reference)
        return new

    def _add(self, name, amount, expires):
        self.lots[name] = Lot(amount, expires, amount)
        return True

    def _in_order(self, first=None):
        names = list(self.lots)
        return sorted(names, key=lambda n: (n != first, self.lots[n].expires, names.index(n)))

    def _take(self, amount, *, into_held=True, first=None):
        parts = {}
        for name in self._in_order(first):
            lot = self.lots[name]
            part = min(lot.available, amount) if lot.expires > self.day else 0
            if part:
                parts[name] = part
                lot.available -= part
                lot.held += part if into_held else 0
                amount -= part
        if amount:
            raise InsufficientCredits
        return parts

    def _settle(self, target, spent):
        if spent > sum(self.holds[target].values()):
            raise CaptureExceedsHold
        self.settled.add(target)
        self.spent += spent
        for name in self._in_order():
            part = self.holds[target].get(name, 0)
            used = min(part, spent)
            spent -= used
            self.lots[name].held -= part
            self.lots[name].available += part - used
        self.expire()


class Crash(Exception):
    """The process dies before it commits."""


AMOUNT = st.integers(0, 5)
CREDITS = st.integers(1, 12)
REFERENCE = st.sampled_from([f"r{number}" for number in range(1, 9)])
TARGET = st.sampled_from(["de", "en", "es", "fr"])
HOW = st.sampled_from(["once", "once", "once", "crash", "crash and retry", "twice"])


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self, database):
        super().__init__()
        self.database = database
        self.model = Model()
        self.account = database.account()
        self.job = database.job(self.account)
        self.numbers: dict[str, int] = {}

    @initialize(
        lots=st.lists(st.tuples(st.integers(3, 5), st.sampled_from([None, 1, 2])), min_size=3, max_size=4)
    )
    def begin(self, lots):
        """Some credits, a part of which expires soon, and something held of them."""
        self.database.move_clock(timedelta())
        for number, (amount, days) in enumerate(lots):
            self.grant("once", amount, f"r{number + 1}", days)
        self.hold("once", ["de", "en", "es"], 4)

    def attempt(self, move, arguments, *, crash):
        """What the ledger answers: a value, or the type of its refusal."""
        try:
            with self.database.uow(self.account) as uow:
                answer = move(Ledger(uow), *arguments)
                if crash:
                    raise Crash
        except REFUSALS as error:
            return type(error)
        except Crash:
            return answer
        return answer

    def expect(self, name, arguments, *, keep):
        model = copy.deepcopy(self.model)
        try:
            answer = getattr(model, name)(*arguments)
        except REFUSALS as error:
            return type(error)
        if keep:
            self.model = model
        return answer

    def do(self, how, name, told, asked=None, move=None):
        """Do a move in the ledger with `asked` and in the model with `told`."""
        move = move or getattr(Ledger, name)
        for crash in {
            "once": [False],
            "crash": [True],
            "crash and retry": [True, False],
            "twice": [False] * 2,
        }[how]:
            expected = self.expect(name, told, keep=not crash)
            assert self.attempt(move, told if asked is None else asked, crash=crash) == expected

    @rule(how=HOW, amount=CREDITS, reference=REFERENCE, days=st.none() | st.integers(1, 4))
    def grant(self, how, amount, reference, days):
        expires = None if days is None else NOW + timedelta(days=self.model.day + days, hours=-12)

        def move(ledger, amount, reference, days):
            return ledger.grant(amount, reference, expires_at=expires)

        self.do(how, "grant", (amount, reference, days), move=move)

    @rule(how=HOW, languages=st.lists(TARGET, min_size=1, max_size=3, unique=True), amount=AMOUNT)
    def hold(self, how, languages, amount):
        self.do(how, "hold", (languages, amount), (self.job, languages, amount))

    @rule(how=HOW, language=TARGET, amount=AMOUNT, reference=st.sampled_from(["p", "q"]))
    def extend(self, how, language, amount, reference):
        self.do(how, "extend", (language, amount, reference), (self.job, language, amount, reference))

    @rule(how=HOW, language=TARGET, amount=st.none() | st.integers(0, 5))
    def capture(self, how, language, amount):
        self.do(how, "capture", (language, amount), (self.job, language, amount))

    @rule(how=HOW, languages=st.lists(TARGET, min_size=1, max_size=2, unique=True))
    def release(self, how, languages):
        self.do(how, "release", (languages,), (self.job, languages))

    @rule(how=HOW, amount=st.integers(-12, 12).filter(bool), reference=REFERENCE)
    def adjust(self, how, amount, reference):
        def move(ledger, amount, reference):
            return ledger.adjust(amount, reference, reason="r", actor="a")

        self.do(how, "adjust", (amount, reference), move=move)

    @rule(how=HOW, amount=CREDITS, reference=REFERENCE, purchase=REFERENCE)
    def refund(self, how, amount, reference, purchase):
        query = (
            "select id from ledger_transactions where account_id = :a and reference = :r and kind = 'grant'"
        )
        found = self.database.rows(query, a=self.account, r=purchase)
        if found:
            asked = (amount, reference, found[0].id)
            self.do(how, "refund", (amount, reference, purchase), asked)

    @rule(how=HOW)
    def expire(self, how):
        self.do(how, "expire", ())

    @rule(days=st.integers(1, 2))
    def wait(self, days):
        self.model.day += days
        self.database.move_clock(timedelta(days=self.model.day))

    @invariant()
    def the_books_are_the_models(self):
        with self.database.uow(self.account) as uow:
            proof = prove(uow)
            lots = uow.sql("""select t.reference, l.available, l.held
              from credit_lots l join ledger_transactions t on t.id = l.id""").all()
            books = uow.sql("select book, sum(amount)::int from ledger_entries group by book").all()
        known = self.model.lots
        assert proof.findings == []
        assert {row[0]: (row[1], row[2]) for row in lots} == {
            n: (lot.available, lot.held) for n, lot in known.items()
        }
        assert (proof.available, proof.held) == (
            sum(lot.available for lot in known.values()),
            sum(lot.held for lot in known.values()),
        )
        found = dict(map(tuple, books))
        assert (found.get("spent", 0), found.get("expired", 0)) == (self.model.spent, self.model.expired)
        assert sum(found.values()) == 0


def run(database, examples, steps, phases):
    chosen = settings(
        phases=phases,
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: LedgerMachine(database), settings=chosen)


def test_any_sequence_of_moves_crashes_and_retries_ends_as_the_model_says(database):
    # Without shrinking, which would take minutes: whoever sees this fail runs the next one.
    run(database, 30, 30, [Phase.generate])


@pytest.mark.slow
def test_many_long_sequences_end_as_the_model_says(database):
    run(database, 400, 60, [Phase.generate, Phase.shrink])
