"""Many at once on one account and on several: nobody gets what is not there, and nobody waits in a ring."""

import random
from functools import partial

import pytest

from shared.jobs.repository import JobRepository
from shared.ledger.errors import InsufficientCredits, NothingHeld
from shared.ledger.proof import prove
from shared.ledger.service import Ledger


def test_fifty_holds_with_credit_for_one_give_one(database, together):
    account = database.account(1)
    jobs = [database.job(account) for _ in range(50)]

    def hold(job):
        with database.uow(account) as uow:
            Ledger(uow).hold(job, ["es"], 1)

    results = together(*[partial(hold, job) for job in jobs])
    assert [type(each) for each in results].count(InsufficientCredits) == 49
    assert results.count(None) == 1
    assert database.rows("select available, held from balances") == [(0, 1)]


class Ring:
    """Work that moves credits of one job and of its account several times, in an order of its own."""

    def __init__(self, database, account, job, seed):
        self.database, self.account, self.job = database, account, job
        self.random = random.Random(seed)

    def __call__(self):
        for turn in range(4):
            try:
                with self.database.uow(self.account) as uow:
                    self.work(uow, turn)
            except (InsufficientCredits, NothingHeld):
                continue

    def work(self, uow, turn):
        ledger, target = Ledger(uow), self.random.choice(["de", "es", "fr"])
        if self.random.random() < 0.5:
            # As every caller does who changes a job: its row first.
            JobRepository(uow).find(self.job, lock=True)
            moves = [
                partial(ledger.extend, self.job, target, 1, f"x{turn}"),
                partial(ledger.capture, self.job, target, 1),
                partial(ledger.release, self.job, ["de", "es", "fr"]),
            ]
        else:
            moves = [
                partial(ledger.grant, 2, f"payment:{self.account}-{self.random.randrange(6)}"),
                partial(ledger.adjust, -1, f"a{self.random.randrange(6)}", reason="r", actor="a"),
                ledger.expire,
            ]
        self.random.shuffle(moves)
        for move in moves:
            move()


@pytest.mark.parametrize("seed", range(2))
def test_rings_of_moves_end_and_leave_the_books_right(database, together, seed):
    accounts = [database.account(40) for _ in range(2)]
    rings = []
    for account in accounts:
        for number in range(3):
            job = database.job(account)
            with database.uow(account) as uow:
                Ledger(uow).hold(job, ["de", "es", "fr"], 2)
            rings += [Ring(database, account, job, f"{seed} {number} {which}") for which in range(3)]
    assert together(*rings) == [None] * len(rings)
    for account in accounts:
        with database.uow(account) as uow:
            assert prove(uow).findings == []
