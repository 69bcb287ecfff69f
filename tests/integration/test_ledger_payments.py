"""Credits from outside: payments that are told of again and again, and what platform admins do."""

from datetime import timedelta

import pytest

from shared.auth.errors import AccountNotFound
from shared.auth.known_keys import find_key
from shared.auth.principal import ADMIN, Principal
from shared.auth.repository import insert_key
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.ledger.entries import page_of
from shared.ledger.errors import (
    AdjustmentExceedsBalance,
    PurchaseNotFound,
    ReferenceReused,
    RefundExceedsPurchase,
)
from shared.ledger.payments import Payments
from shared.ledger.proof import prove
from shared.ledger.schemas import CreateAdjustment, CreateGrant, EntryFilter, PaymentEvent
from shared.ledger.service import Ledger
from shared.ledger.treasury import Treasury

LATER = utc_now() + timedelta(days=30)


class Provider:
    """Tells of payments of one account, each in a transaction of its own that begins without an account."""

    def __init__(self, database, credits=0):
        self.database = database
        self.account = database.account(credits)

    def tell(self, kind, reference, credits, account=None, **data):
        data |= {"account": account or self.account, "reference": reference, "credits": credits}
        event = PaymentEvent.model_validate({"type": kind, "timestamp": utc_now(), "data": data})
        with self.database.uow() as uow:
            return Payments(uow).receive(event)

    def buy(self, reference, credits, **data):
        return self.tell("purchase", reference, credits, **data)

    def refund(self, reference, credits, purchase):
        return self.tell("refund", reference, credits, purchase=purchase)

    def spend(self, amount):
        job = self.database.job(self.account)
        with self.database.uow(self.account) as uow:
            Ledger(uow).hold(job, ["es"], amount)
            Ledger(uow).capture(job, "es")

    def entries(self):
        with self.database.uow(self.account) as uow:
            return page_of(uow, EntryFilter()).entries

    @property
    def available(self):
        with self.database.uow(self.account) as uow:
            proof = prove(uow)
        assert proof.findings == []
        return proof.available


@pytest.fixture
def provider(database):
    return Provider(database)


def test_a_purchase_told_twice_is_one_entry(provider):
    first = provider.buy("pi_1", 50, expires_at=LATER)
    assert (first.credits, first.expires_at) == (50, LATER)
    assert provider.buy("pi_1", 50, expires_at=LATER) == first
    assert (len(provider.entries()), provider.available) == (1, 50)


def test_a_payment_told_many_times_at_once_is_one_entry(provider, together):
    told = together(*[lambda: provider.buy("pi_1", 50).id] * 8)
    assert len(set(told)) == 1
    told = together(*[lambda: provider.refund("re_1", 20, "pi_1").id] * 8)
    assert len(set(told)) == 1
    assert (len(provider.entries()), provider.available) == (2, 30)


def test_a_reference_stands_for_one_payment(provider, database):
    provider.buy("pi_1", 50)
    with pytest.raises(ReferenceReused):
        provider.buy("pi_1", 51)
    with pytest.raises(ReferenceReused):
        provider.buy("pi_1", 50, expires_at=LATER)
    with pytest.raises(ReferenceReused):
        provider.refund("pi_1", 50, "pi_1")
    with pytest.raises(ReferenceReused):
        provider.buy("pi_1", 50, account=database.account())
    assert provider.available == 50


def test_a_refund_takes_what_is_left_of_its_purchase_first(provider):
    provider.buy("pi_1", 10)
    provider.buy("pi_2", 10, expires_at=LATER)
    provider.refund("re_1", 8, "pi_1")
    lots = provider.database.rows("select available from credit_lots order by id")
    assert [row.available for row in lots] == [2, 10]


def test_a_refund_of_what_was_spent_takes_what_is_there_and_never_more(provider):
    provider.buy("pi_1", 10)
    provider.spend(10)
    provider.buy("pi_2", 4)
    refund = provider.refund("re_1", 9, "pi_1")
    assert (refund.credits, refund.available, refund.shortfall) == (4, -4, 5)
    assert provider.refund("re_1", 9, "pi_1") == refund
    provider.buy("pi_3", 6)
    assert provider.available == 6


def test_what_is_held_is_not_refunded(provider):
    provider.buy("pi_1", 10)
    job = provider.database.job(provider.account)
    with provider.database.uow(provider.account) as uow:
        Ledger(uow).hold(job, ["es"], 10)
    assert provider.refund("re_1", 10, "pi_1").shortfall == 10
    with provider.database.uow(provider.account) as uow:
        Ledger(uow).release(job, ["es"])
    assert provider.available == 10


def test_no_more_is_refunded_than_was_bought(provider, together):
    provider.buy("pi_1", 10)
    provider.refund("re_1", 6, "pi_1")
    with pytest.raises(RefundExceedsPurchase):
        provider.refund("re_2", 5, "pi_1")
    done = together(*[lambda n=n: provider.refund(f"re_{n}", 4, "pi_1") for n in range(3, 9)])
    assert [type(each) for each in done].count(RefundExceedsPurchase) == 5
    assert provider.available == 0


def test_a_refund_before_its_purchase_is_to_be_told_again(provider):
    with pytest.raises(PurchaseNotFound):
        provider.refund("re_1", 5, "pi_1")
    provider.buy("pi_1", 5)
    assert provider.refund("re_1", 5, "pi_1").credits == 5


def test_a_voucher_of_the_same_name_is_no_purchase(provider):
    with provider.database.uow(provider.account) as uow:
        Ledger(uow).grant(5, "pi_1")
    with pytest.raises(PurchaseNotFound):
        provider.refund("re_1", 5, "pi_1")


def test_an_unknown_or_closed_account_buys_nothing(provider, database):
    with pytest.raises(AccountNotFound):
        provider.buy("pi_1", 5, account=new_id("acc"))
    database.run("update accounts set deleted_at = clock_now() where id = :a", a=provider.account)
    with pytest.raises(AccountNotFound):
        provider.buy("pi_1", 5)


@pytest.mark.parametrize(
    ("kind", "credits", "more"),
    [
        ("refund", 5, {}),
        ("purchase", 5, {"purchase": "pi_1"}),
        ("refund", 5, {"purchase": "pi_1", "expires_at": LATER}),
        ("purchase", 0, {}),
        ("purchase", -1, {}),
    ],
)
def test_a_message_that_means_nothing_is_refused(provider, kind, credits, more):
    with pytest.raises(ValueError, match="validation error"):
        provider.tell(kind, "pi_1", credits, **more)


ADMINISTRATOR = Principal("key_admin", "acc_admin", frozenset({ADMIN}))


class Office:
    """A platform admin at work on one account."""

    def __init__(self, database):
        self.database, self.account = database, database.account(10)
        self.treasury = Treasury(database.uow)

    def grant(self, reference, credits, **more):
        order = CreateGrant(credits=credits, **more)
        return self.treasury.grant(ADMINISTRATOR, self.account, reference, order)

    def adjust(self, reference, credits):
        order = CreateAdjustment(credits=credits, reason="because")
        return self.treasury.adjust(ADMINISTRATOR, self.account, reference, order)


@pytest.fixture
def office(database):
    return Office(database)


def test_an_admins_grant_counts_once_and_says_who_gave_it(office):
    entry = office.grant("g1", 5, expires_at=LATER, reason="welcome")
    assert office.grant("g1", 5, expires_at=LATER) == entry
    assert (entry.credits, entry.expires_at, entry.reason) == (5, LATER, "welcome")
    assert (
        office.database.value("select actor from ledger_transactions where reason = 'welcome'") == "key_admin"
    )
    with pytest.raises(ReferenceReused):
        office.grant("g1", 6)
    assert office.treasury.proof(office.account).available == 15


def test_an_adjustment_goes_both_ways_but_never_below_zero(office):
    assert office.adjust("a1", -10).available == -10
    assert office.adjust("a1", -10).available == -10
    with pytest.raises(AdjustmentExceedsBalance):
        office.adjust("a2", -1)
    assert office.adjust("a3", 4).available == 4
    with pytest.raises(ReferenceReused):
        office.adjust("a3", 5)
    assert office.treasury.proof(office.account).available == 4


def test_an_admin_can_do_nothing_with_an_account_that_is_not_there(database):
    treasury, missing = Treasury(database.uow), new_id("acc")
    with pytest.raises(AccountNotFound):
        treasury.proof(missing)
    with pytest.raises(AccountNotFound):
        treasury.grant(ADMINISTRATOR, missing, "g1", CreateGrant(credits=5))
    with pytest.raises(AccountNotFound):
        treasury.adjust(ADMINISTRATOR, missing, "a1", CreateAdjustment(credits=5, reason="r"))


def test_a_key_is_an_admins_only_while_the_database_says_so_of_its_account(database):
    account, digest = database.account(), b"d" * 32
    with database.uow(account) as uow:
        insert_key(uow, new_id("key"), "k", "h", digest, ["jobs:read", ADMIN])

    def scopes():
        with database.uow(key_hash=digest.hex()) as uow:
            return find_key(uow, [digest]).principal.scopes

    assert scopes() == {"jobs:read"}
    database.run("insert into platform_admins (account_id) values (:a)", a=database.account())
    assert scopes() == {"jobs:read"}
    database.run("insert into platform_admins (account_id) values (:a)", a=account)
    assert scopes() == {"jobs:read", ADMIN}
    database.run("delete from platform_admins where account_id = :a", a=account)
    assert scopes() == {"jobs:read"}
