"""Row-level security as PostgreSQL itself keeps it: each account sees its own rows, in every table."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.audit.actions import Action
from shared.audit.log import record
from shared.core.ids import new_id
from shared.db.errors import diagnostics
from shared.db.models import metadata

REFUSED = "42501"
MISSING = "23503"
CROSSED = {"api_keys", "outbox", "leases", "deadlines", "idempotency_keys", "dead_letters", "oauth_grants"}
CROSSED |= {"memberships", "invitations", "emails", "audit_heads", "data_keys"}
OWN_COLUMN = {"accounts": "id"}
OPENED = {"accounts", "jobs", "balances", "credit_lots", "audit_entries", "audit_heads"}
"""Tables in which an account has rows as soon as it has credits, a job, and something was done to it."""
APPEND_ONLY = {"ledger_transactions", "ledger_entries"}
USER = "usr_01k9z3v5w8x2y4a6b8c0d2e4f6"
NOW = "2026-01-01T00:00:00Z"


def new_row(table, account, job, transaction=0):
    """The columns of one more row of `table` that belongs to `account` and, where it must, to `job`."""
    a, j = {"account_id": account}, {"account_id": account, "job_id": job}
    word = new_id("x")
    rows = {
        "accounts": {"id": account, "name": "n"},
        "api_keys": a | {"id": word, "name": "n", "hint": "h", "hash": word.encode(), "scopes": "{}"},
        "jobs": a
        | {"id": new_id("job"), "created_by": "k", "origin": "upload", "state": "queued", "name": "n"}
        | {"source_object": "s", "results_prefix": "r"},
        "job_targets": j | {"language": word},
        "balances": a,
        "ledger_transactions": j | {"kind": "hold", "target": word, "amount": 1},
        "ledger_entries": a
        | {"transaction_id": transaction, "book": "spent", "amount": 1, "lot": transaction},
        "platform_admins": a,
        "memberships": a | {"user_id": USER, "role": "viewer"},
        "oauth_grants": a
        | {"id": word, "user_id": USER, "client_id": "c", "redirect_uri": "u", "challenge": "c"}
        | {"scopes": "{}", "code_hash": word.encode(), "code_expires_at": NOW, "expires_at": NOW},
        "invitations": a
        | {"id": word, "email": b"e", "email_hash": word.encode(), "role": "viewer"}
        | {"token_hash": word.encode(), "created_by": "k", "expires_at": NOW},
        "credit_lots": a | {"id": transaction},
        "audit_entries": a | {"actor_kind": "key", "actor": "k", "action": word},
        "account_exports": a | {"id": word, "created_by": "k"},
        "account_erasures": a
        | {"id": word, "receipt_id": word, "requested_kind": "key", "requested_by": "k", "due_at": NOW},
        "audit_heads": a,
        "data_keys": a | {"id": str(uuid4()), "purpose": word, "kek": "k", "wrapped": b"w"},
        "outbox": a | {"kind": "task", "destination": "d", "payload": "{}", "claimed_until": NOW},
        "leases": a | {"name": word, "expires_at": NOW},
        "deadlines": j | {"action": "rescue", "due_at": NOW},
        "idempotency_keys": a
        | {"principal": "p", "operation": "o", "key": word, "fingerprint": "f"}
        | {"locked_until": NOW, "expires_at": NOW},
        "quotes": a
        | {"id": word, "created_by": "k", "medium": "text", "targets": "{}"}
        | {"price_version": 1, "expires_at": "2100-01-01T00:00:00Z"},
        "trial_days": a | {"day": NOW, "pictures": 1},
        "spending": a | {"day": NOW, "spender": word, "credits": 1},
        "scenes": j | {"document": "{}"},
        "scene_translations": j | {"language": word, "blocks": "{}"},
        "provider_results": a | {"key": word.encode(), "result": json.dumps(word)},
        "webhook_endpoints": a | {"id": f"whe_{account}", "url": word},
        "webhook_secrets": a | {"endpoint_id": f"whe_{account}", "number": 1, "sealed": b"s"},
        "webhook_events": a | {"id": f"evt_{account}", "type": "t", "data": "{}"},
        "webhook_deliveries": a | {"id": word, "endpoint_id": f"whe_{account}", "event_id": f"evt_{account}"},
        "emails": a | {"id": word, "kind": "invitation", "sealed": b"s"},
        "job_steps": j | {"step": "render", "attempt": 0, "outcome": "done", "started_at": NOW},
    }
    return rows[table]


def insert(table, row):
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    return f"insert into {table} ({names}) values ({marks})"  # noqa: S608 - our own names


def tenants():
    names = {name for name, table in metadata.tables.items() if "account_id" in table.columns}
    return sorted((names | OWN_COLUMN.keys()) - {"dead_letters"})


class World:
    """Two accounts with one row in each table."""

    def __init__(self, database):
        self.database = database
        user = {"id": USER, "identity": USER, "profile_hash": b"p", "profile_at": NOW}
        database.run(insert("users", user), **user)
        self.a, self.b = self._fill(), self._fill()

    def _fill(self):
        account = self.database.account(5)
        job = self.database.job(account, "es")
        with self.database.uow(account) as uow:
            record(uow, Action.JOB_DELETED, job)
        # A delivery refers to an endpoint.
        for table in sorted(tenants(), key="webhook_deliveries".__eq__):
            if not table.startswith("ledger_") and table not in OPENED:
                row = new_row(table, account, job)
                self.database.run(insert(table, row), **row)
        return account

    def job_of(self, account):
        return self.database.value(
            "select id from jobs where account_id = :a and origin = 'upload'", a=account
        )

    def transaction_of(self, account):
        return self.database.value("select id from ledger_transactions where account_id = :a", a=account)


@pytest.fixture
def world(database):
    return World(database)


def accounts_seen(uow, table):
    column = OWN_COLUMN.get(table, "account_id")
    rows = uow.sql(f"select {column} from {table}")  # noqa: S608 - our own names
    return {value for (value,) in rows}


def refusal(uow, statement, **parameters):
    """The SQLSTATE with which the database refuses the statement."""
    with pytest.raises(DBAPIError) as caught, uow:
        uow.sql(statement, **parameters)
    return diagnostics(caught.value)["C"]


def test_every_tenant_table_has_a_row_of_each_account(world):
    for table in tenants():
        column = OWN_COLUMN.get(table, "account_id")
        rows = world.database.rows(f"select distinct {column} from {table}")  # noqa: S608 - our own names
        assert {value for (value,) in rows} == {world.a, world.b}, table


@pytest.mark.parametrize("system", [False, True], ids=["app", "system"])
def test_an_account_sees_its_own_rows_only(world, system):
    for table in tenants():
        with world.database.uow(world.a, system=system) as uow:
            crossing = system and table in CROSSED
            assert accounts_seen(uow, table) == ({world.a, world.b} if crossing else {world.a}), table


@pytest.mark.parametrize("system", [False, True], ids=["app", "system"])
def test_without_an_account_no_rows_are_seen_but_those_the_system_crosses(world, system):
    for table in tenants():
        with world.database.uow(system=system) as uow:
            crossing = system and table in CROSSED
            assert accounts_seen(uow, table) == ({world.a, world.b} if crossing else set()), table


def test_a_pooled_connection_forgets_the_account_with_its_transaction(world):
    engine = world.database.server.engine("fn_app")
    with engine.connect() as connection:
        for end in (connection.commit, connection.rollback):
            connection.execute(text("select set_config('app.account', :a, true)"), {"a": world.a})
            for table in tenants():
                assert accounts_seen_by(connection, table) == {world.a}, table
            end()
            for table in tenants():
                assert accounts_seen_by(connection, table) == set(), table
            assert connection.execute(text("select current_setting('app.account', true)")).scalar() == ""
            end()


def accounts_seen_by(connection, table):
    column = OWN_COLUMN.get(table, "account_id")
    return {value for (value,) in connection.execute(text(f"select {column} from {table}"))}  # noqa: S608


def test_an_account_cannot_write_rows_of_another(world):
    for table in tenants():
        row = new_row(table, world.b, world.job_of(world.b), world.transaction_of(world.b))
        if table == "accounts":
            row["id"] = new_id("acc")
        assert refusal(world.database.uow(world.a), insert(table, row), **row) == REFUSED, table


def test_an_account_cannot_give_its_rows_away(world):
    granted = world.database.rows(
        "select table_name from information_schema.role_table_grants"
        " where grantee = 'imangor_app' and privilege_type = 'UPDATE' and table_schema = 'public'"
    )
    updatable = [row.table_name for row in granted]
    assert {"jobs", "job_targets", "leases", "outbox"} <= set(updatable)
    for table in updatable:
        column = OWN_COLUMN.get(table, "account_id")
        statement = f"update {table} set {column} = :b"  # noqa: S608 - our own names
        assert refusal(world.database.uow(world.a), statement, b=world.b) == REFUSED, table


def test_no_row_of_an_account_can_hang_on_a_job_of_another(world):
    """Foreign keys are checked past row-level security, so they must compare the account themselves."""
    foreign = world.job_of(world.b)
    for table in (
        "job_targets",
        "ledger_transactions",
        "deadlines",
        "scenes",
        "scene_translations",
        "job_steps",
    ):
        row = new_row(table, world.a, foreign)
        if table not in APPEND_ONLY:
            world.database.run(f"delete from {table} where job_id = :j", j=foreign)  # noqa: S608 - our own names
        assert refusal(world.database.uow(world.a), insert(table, row), **row) == MISSING, table
    for column in ("endpoint_id", "event_id"):
        delivery = new_row("webhook_deliveries", world.a, "")
        delivery[column] = delivery[column].replace(world.a, world.b)
        assert (
            refusal(world.database.uow(world.a), insert("webhook_deliveries", delivery), **delivery)
            == MISSING
        )
    child = new_row("jobs", world.a, "") | {"parent_id": foreign}
    assert refusal(world.database.uow(world.a), insert("jobs", child), **child) == MISSING


@pytest.mark.parametrize("system", [False, True], ids=["app", "system"])
def test_neither_role_can_become_another(database, system):
    for role in {"imangor_app", "imangor_system", "imangor_owner", "postgres"}:
        own = "imangor_system" if system else "imangor_app"
        for statement in (f"set role {role}", f"set session authorization {role}"):
            if role != own or "session" in statement:
                assert refusal(database.uow(system=system), statement) == REFUSED, statement


FORBIDDEN = [
    "alter table jobs disable row level security",
    "alter table jobs no force row level security",
    "drop policy tenant on jobs",
    "create policy mine on jobs using (true)",
    "alter table jobs disable trigger guard_state",
    "set session_replication_role = replica",
    "create table jobs2 (id text)",
    "create or replace function clock_now() returns timestamptz language sql as 'select now()'",
    "insert into state_transitions values ('job', 'failed', 'completed')",
    "update state_transitions set to_state = 'completed'",
    "delete from state_transitions",
    "update ledger_entries set amount = 2",
    "delete from ledger_entries",
    "update ledger_transactions set kind = 'grant'",
    "delete from ledger_transactions",
    "truncate ledger_entries cascade",
    "insert into ledger_entries values (1, 'acc_1', 'held', 1, 1)",
    "insert into credit_lots (id, account_id, available) values (1, 'acc_1', 5)",
    "update credit_lots set available = 1000000",
    "update credit_lots set expires_at = null",
    "insert into platform_admins (account_id) values ('acc_1')",
    "update platform_admins set account_id = 'acc_1'",
    "delete from users",
    "delete from accounts",
    "select lock_balance('acc_1')",
    "update audit_entries set target = 'x'",
    "delete from audit_entries",
    "insert into audit_heads (account_id) values ('acc_1')",
    "update audit_heads set number = number + 1",
    "update balances set available = 1000000",
    "delete from balances",
    "insert into balances values ('acc_1', 5, 0)",
    "delete from jobs",
    "delete from job_targets",
    "update job_steps set calls = '[]'",
    "select setval('lease_tokens', 1)",
]


@pytest.mark.parametrize("system", [False, True], ids=["app", "system"])
def test_neither_role_can_go_around_the_rules(world, system):
    for statement in FORBIDDEN:
        uow = world.database.uow(world.a, system=system)
        assert refusal(uow, statement) == REFUSED, statement


def test_security_cannot_be_switched_off_by_a_setting(world):
    uow = world.database.uow(world.a)
    uow.sql("set local row_security = off")
    assert refusal(uow, "select * from jobs") == REFUSED


def test_dead_letters_are_the_systems_alone(database):
    database.run("insert into dead_letters (subscription, identity, message) values ('s', 'i', '{}')")
    assert refusal(database.uow(database.account()), "select * from dead_letters") == REFUSED
    with database.uow(system=True) as uow:
        assert len(uow.sql("select * from dead_letters").all()) == 1


def test_an_api_key_shows_itself_to_whoever_presents_its_hash(world):
    digest = world.database.value("select hash from api_keys where account_id = :a", a=world.a)
    with world.database.uow(key_hash=digest.hex()) as uow:
        assert accounts_seen(uow, "api_keys") == {world.a}
        assert accounts_seen(uow, "accounts") == set()
    with world.database.uow(key_hash=bytes(len(digest)).hex()) as uow:
        assert accounts_seen(uow, "api_keys") == set()


def test_presenting_a_hash_does_not_allow_changing_the_key(world):
    digest = world.database.value("select hash from api_keys where account_id = :a", a=world.a)
    with world.database.uow(key_hash=digest.hex()) as uow:
        assert uow.sql("update api_keys set revoked_at = clock_now()").rowcount == 0


def test_a_forged_account_is_only_a_string(world):
    for forged in ("' or true --", "%", "*", "null", world.a.upper()):
        with world.database.uow(forged) as uow:
            assert accounts_seen(uow, "jobs") == set()


def test_somebody_sees_themselves_their_accounts_and_their_fellows_only(world):
    run, stranger = world.database.run, {"id": "usr_2", "identity": "usr_2"}
    stranger |= {"profile_hash": b"p", "profile_at": NOW}
    run(insert("users", stranger), **stranger)
    for shown, users in (
        ({"user": USER}, {USER}),
        ({"identity": USER}, {USER}),
        ({"user": "usr_2"}, {"usr_2"}),
    ):
        with world.database.uow(**shown) as uow:
            assert {row.id for row in uow.sql("select id from users")} == users
    both = {world.a, world.b}
    for shown, theirs in (({"user": USER}, both), ({"user": "usr_2"}, set()), ({"identity": USER}, set())):
        with world.database.uow(**shown) as uow:
            for table in ("memberships", "accounts", "platform_admins"):
                assert accounts_seen(uow, table) == theirs, table
            assert accounts_seen(uow, "jobs") == set()
    with world.database.uow(world.a) as uow:
        assert {row.id for row in uow.sql("select id from users")} == {USER}


def test_being_a_person_does_not_allow_changing_accounts_and_roles(world):
    with world.database.uow(user=USER) as uow:
        for change in ("accounts set name = 'x'", "memberships set role = 'owner'"):
            assert uow.sql(f"update {change}").rowcount == 0
    for statement in (
        "update users set disabled_at = null",
        "insert into memberships (account_id, user_id, role) values (:a, :u, 'owner')",
    ):
        uow = world.database.uow(user=USER)
        known = {name: value for name, value in {"a": world.a, "u": USER}.items() if f":{name}" in statement}
        assert refusal(uow, statement, **known) == REFUSED, statement


def test_an_invitation_shows_itself_to_whoever_presents_its_token(world):
    digest = world.database.value("select token_hash from invitations where account_id = :a", a=world.a)
    with world.database.uow(key_hash=digest.hex(), user=USER) as uow:
        assert accounts_seen(uow, "invitations") == {world.a}
        assert uow.sql("update invitations set revoked_at = clock_now()").rowcount == 0


def test_keys_of_people_without_an_account_are_their_own(world):
    row = new_row("idempotency_keys", None, "") | {"principal": USER}
    with world.database.uow(user=USER) as uow:
        uow.sql(insert("idempotency_keys", row), **row)
    for shown, seen in ((USER, 1), ("usr_2", 0)):
        with world.database.uow(user=shown) as uow:
            assert len(uow.sql("select * from idempotency_keys").all()) == seen
    with world.database.uow(world.a) as uow:
        assert accounts_seen(uow, "idempotency_keys") == {world.a}
    forged = row | {"principal": "usr_2", "key": "k"}
    assert refusal(world.database.uow(user=USER), insert("idempotency_keys", forged), **forged) == REFUSED


def test_a_visitor_sees_and_makes_their_own_jobs_only(world):
    tables = ("jobs", "job_targets", "scenes", "scene_translations")
    mine = world.database.job(world.a, "es", created_by="tri_1", origin="trial")
    for table in ("scenes", "scene_translations"):
        row = new_row(table, world.a, mine)
        world.database.run(insert(table, row), **row)
    for visitor, jobs in (("tri_1", {mine}), ("tri_2", set()), (None, {mine, world.job_of(world.a)})):
        for table in tables:
            with world.database.uow(world.a, visitor=visitor) as uow:
                column = "id" if table == "jobs" else "job_id"
                found = uow.sql(f"select {column} from {table}")  # noqa: S608 - our own names
                assert {job for (job,) in found} == jobs, table
    forged = new_row("jobs", world.a, "") | {"created_by": "tri_2"}
    uow = world.database.uow(world.a, visitor="tri_1")
    assert refusal(uow, insert("jobs", forged), **forged) == REFUSED
    with world.database.uow(world.b, visitor="tri_1") as uow:
        assert accounts_seen(uow, "jobs") == set()
