"""What owners do with keys: nobody gets by a key what they could not do themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.accounts.errors import KeyNotFound
from shared.accounts.schemas import SpendLimits
from shared.auth.api_keys import is_well_formed
from shared.auth.principal import Principal
from shared.core.errors import InvalidInput, Unauthenticated
from shared.core.scopes import SCOPES
from shared.jobs.schemas import CreateJob
from shared.keys.errors import KeyChanged, KeyEnded, MakerLimited, ScopesExceeded, TooManyKeys
from shared.keys.schemas import MOST_KEYS, ChangeKey, CreateKey, KeyFilter, RotateKey
from shared.keys.service import KeyService
from shared.ledger.errors import SpendLimitReached

SOON = datetime.now(UTC) + timedelta(days=1)


class Office:
    """An account's owner, who handles keys; each call is a request of its own."""

    def __init__(self, door, account):
        self.door, self.account = door, account
        self.owner = Principal("usr_1", account, frozenset(SCOPES), kind="user", user="usr_1")

    def do(self, operation, *arguments):
        with self.door.uow(self.account) as uow:
            return getattr(KeyService(lambda: uow), operation)(*arguments)

    def make(self, *scopes, maker=None, **values):
        order = CreateKey(name="ci", scopes=scopes or ("jobs:read",), **values)
        return self.do("create", maker or self.owner, order)


@pytest.fixture
def office(door, database):
    return Office(door, database.account())


def test_a_key_is_shown_once_and_proves_its_account(office, door, database):
    made = office.make("jobs:write", "jobs:read", rate_limit=7)
    assert is_well_formed(made.secret)
    found = door.enter(made.secret)
    assert (found.id, found.key, found.account) == (made.id, made.id, office.account)
    assert (found.scopes, found.rate) == ({"jobs:read", "jobs:write"}, 7)
    shown = office.do("get", made.id)
    assert shown.model_dump() == {k: v for k, v in made.model_dump().items() if k != "secret"}
    assert (shown.created_by, shown.last_used_at, shown.version) == ("usr_1", None, 1)
    assert made.secret not in str(database.rows("select * from api_keys"))


def test_nobody_hands_out_a_scope_that_they_do_not_have(office, door):
    maker = door.enter(office.make("keys:write", "jobs:read").secret)
    assert office.make("jobs:read", maker=maker).scopes == ["jobs:read"]
    with pytest.raises(ScopesExceeded):
        office.make("jobs:read", "jobs:write", maker=maker)
    with pytest.raises(ScopesExceeded):
        office.make("admin")
    stronger = office.make("jobs:write")
    with pytest.raises(ScopesExceeded):
        office.do("rotate", maker, stronger.id, RotateKey())


@pytest.mark.parametrize(
    "limit",
    [
        {"limits": SpendLimits(daily=None, monthly=5)},
        {"rate_limit": 5},
        {"expires_at": SOON},
        {"kind": "test"},
    ],
)
def test_a_limited_key_hands_out_nothing_that_is_less_limited(office, door, limit):
    made, other = office.make("keys:write", **limit), office.make("keys:write")
    maker = door.enter(made.secret)
    more = ChangeKey(rate_limit=None)
    for order in (
        lambda: office.make("keys:write", maker=maker),
        lambda: office.do("change", maker, made.id, more, None),
        lambda: office.do("rotate", maker, other.id, RotateKey()),
    ):
        with pytest.raises(MakerLimited):
            order()
    assert office.do("change", maker, made.id, ChangeKey(name="mine"), None).name == "mine"
    assert office.do("rotate", maker, made.id, RotateKey()).limits == made.limits


def test_a_rotation_keeps_the_old_secret_for_its_overlap_and_no_other(office, door, database):
    first = office.make()
    door.enter(first.secret)
    second = office.do("rotate", office.owner, first.id, RotateKey(overlap_hours=2))
    assert second.id == first.id
    assert (second.replaced.hint, second.hint) == (first.hint, second.secret[:9] + "…" + second.secret[-4:])
    assert {door.enter(each.secret).id for each in (first, second)} == {first.id}
    third = office.do("rotate", office.owner, first.id, RotateKey(overlap_hours=2))
    with pytest.raises(Unauthenticated):
        door.enter(first.secret)
    assert {door.enter(each.secret).id for each in (second, third)} == {first.id}
    last = office.do("rotate", office.owner, first.id, RotateKey(overlap_hours=0))
    for gone in (second, third):
        with pytest.raises(Unauthenticated):
            door.enter(gone.secret)
    assert door.enter(last.secret).id == first.id
    assert office.do("get", first.id).replaced is None


def test_revoking_and_changing_a_key_are_honoured_at_once(office, door):
    made = office.make()
    assert door.enter(made.secret).rate is None
    assert office.do("change", office.owner, made.id, ChangeKey(rate_limit=3), "1").version == 2
    assert door.enter(made.secret).rate == 3
    for _ in range(2):
        office.do("revoke", made.id)
    with pytest.raises(Unauthenticated):
        door.enter(made.secret)
    for operation, order in (("rotate", [RotateKey()]), ("change", [ChangeKey(name="x"), None])):
        with pytest.raises(KeyEnded):
            office.do(operation, office.owner, made.id, *order)
    assert office.do("get", made.id).revoked_at is not None
    query = "select action from audit_entries where target = :k order by number"
    recorded = door.database.rows(query, k=made.id)
    assert [action for (action,) in recorded] == ["key.created", "key.changed", "key.revoked"]


def test_changes_are_of_what_was_read_and_of_what_was_given(office):
    made = office.make(limits=SpendLimits(daily=None, monthly=9), rate_limit=2)
    with pytest.raises(KeyChanged):
        office.do("change", office.owner, made.id, ChangeKey(name="x"), "2")
    changed = office.do("change", office.owner, made.id, ChangeKey(name="x"), "*")
    assert (changed.name, changed.limits.monthly, changed.rate_limit) == ("x", 9, 2)
    changed = office.do("change", office.owner, made.id, ChangeKey(limits=None, rate_limit=None), None)
    assert (changed.limits.monthly, changed.rate_limit) == (None, None)
    assert office.do("change", office.owner, made.id, ChangeKey(), None) == changed


def test_wrong_orders_are_refused(office, door):
    with pytest.raises(InvalidInput):
        office.make(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no such scope"):
        office.make("jobs:burn")
    with pytest.raises(ValueError, match="spends nothing"):
        office.make(kind="test", limits=SpendLimits(daily=1, monthly=1))
    with pytest.raises(KeyNotFound):
        Office(door, door.database.account()).do("revoke", office.make().id)


def test_an_account_has_so_many_keys_and_no_more(office, database):
    made = office.make()
    columns = "account_id, name, hint, scopes"
    database.run(
        f"insert into api_keys (id, hash, {columns}) select 'k' || n, n::text::bytea, {columns} "  # noqa: S608
        "from api_keys, generate_series(2, :most) n",
        most=MOST_KEYS,
    )
    with pytest.raises(TooManyKeys):
        office.make()
    office.do("revoke", made.id)
    office.make()


def test_keys_are_listed_newest_first_by_pages(office, database):
    made = [office.make().id for _ in range(5)]
    office.do("revoke", made[0])
    first = office.do("page", KeyFilter(limit=3))
    rest = office.do("page", KeyFilter(limit=3, cursor=first.next_cursor))
    assert [key.id for key in first.keys + rest.keys] == made[::-1]
    assert rest.next_cursor is None
    assert [key.id for key in office.do("page", KeyFilter(active=True)).keys] == made[:0:-1]
    assert len(office.do("page", KeyFilter(created_by=office.owner.id)).keys) == len(made)
    assert office.do("page", KeyFilter(created_by="usr_another")).keys == []


def test_a_test_key_spends_nothing(desk, door):
    office = Office(door, desk.account)
    made = office.make("jobs:write", kind="test")
    assert made.secret.startswith("img_test_")
    assert (made.limits.daily, made.limits.monthly) == (0, 0)
    with pytest.raises(InvalidInput):
        office.do("change", office.owner, made.id, ChangeKey(limits=None), None)
    caller = door.enter(made.secret)
    with pytest.raises(SpendLimitReached), desk.uow() as desk.current:
        desk.service.create(caller, CreateJob(name="a.jpg", targets=["es"]))
