"""The migrated schema: up and down, what the code believes of it, and that no table forgot its policies."""

import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Double,
    Integer,
    LargeBinary,
    Text,
    create_engine,
    inspect,
    text,
)

from local.services.database import ADMIN
from shared.db.migrate import current, downgrade, head, upgrade
from shared.db.models import metadata
from shared.jobs.states import JOB_MOVES, TARGET_MOVES

TABLES = """
select relname, relrowsecurity, relforcerowsecurity from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
"""
TENANT = (
    "select qual, with_check, roles::text from pg_policies where tablename = :t and policyname = 'tenant'"
)
WITHOUT_CUSTOMERS = {"alembic_version", "state_transitions", "inbox", "selftests"}
"""Tables that hold nothing of any account; whoever adds one here must be sure of that."""
OWN_COLUMN = {"accounts": "id"}


@pytest.fixture
def empty(servers, postgres_version):
    """The administrator's URL of a new database without any table."""
    server = servers(postgres_version)
    engine = server.engine("postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database migrated owner {ADMIN}"))
    yield server.url(ADMIN, "migrated")
    with engine.connect() as connection:
        connection.execute(text("drop database migrated with (force)"))


EVERYTHING = """
select table_name, column_name, data_type, is_nullable, column_default
  from information_schema.columns where table_schema = 'public' order by 1, 2;
select conrelid::regclass::text, pg_get_constraintdef(oid)
  from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2;
select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2;
select relname, relrowsecurity, relforcerowsecurity, relacl::text
  from pg_class where relnamespace = 'public'::regnamespace order by 1;
select indexdef from pg_indexes where schemaname = 'public' order by 1;
select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace order by 1;
select tgrelid::regclass::text, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1, 2;
select * from state_transitions order by 1, 2, 3
"""


def described(url):
    """Every table, column, constraint, policy, grant and function that the migrations made."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [connection.execute(text(query)).all() for query in EVERYTHING.split(";")]
    engine.dispose()
    return found


def test_migrations_go_up_down_step_by_step_and_up_again(empty):
    assert current(empty) is None
    upgrade(empty)
    assert current(empty) == head()
    first = described(empty)
    upgrade(empty)
    assert described(empty) == first

    for revision in ("0004", "0003", "0002", "0001"):
        downgrade(empty, revision)
        assert current(empty) == revision
    downgrade(empty)
    assert current(empty) is None
    engine = create_engine(empty)
    with engine.connect() as connection:
        assert [row.relname for row in connection.execute(text(TABLES))] == ["alembic_version"]
        functions = "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        assert connection.execute(text(functions)).all() == []
    engine.dispose()

    upgrade(empty)
    assert described(empty) == first


def kind(column_type):
    """A column type without what reflection and models may say differently."""
    for known in (BigInteger, Boolean, Double, Integer, LargeBinary):
        if isinstance(column_type, known):
            return known.__name__
    if isinstance(column_type, ARRAY):
        return f"array of {kind(column_type.item_type)}"
    if isinstance(column_type, Text):
        return "Text"
    zoned = " with time zone" if getattr(column_type, "timezone", False) else ""
    return {"TIMESTAMP": "DateTime", "UUID": "Uuid", "DATE": "Date"}.get(
        type(column_type).__name__, type(column_type).__name__
    ) + zoned


def test_models_agree_with_the_tables(database):
    inspector = inspect(database.server.engine("postgres"))
    believed = {
        table.name: {column.name: kind(column.type) for column in table.columns}
        for table in metadata.tables.values()
    }
    found = {
        name: {column["name"]: kind(column["type"]) for column in inspector.get_columns(name)}
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }
    assert believed == found


def test_models_agree_with_the_primary_keys(database):
    inspector = inspect(database.server.engine("postgres"))
    for table in metadata.tables.values():
        found = inspector.get_pk_constraint(table.name)["constrained_columns"]
        assert {column.name for column in table.primary_key} == set(found), table.name


def test_the_database_allows_the_moves_that_the_code_knows(database):
    rows = database.rows("select entity, from_state, to_state from state_transitions")
    known = [("job", a, b) for a, to in JOB_MOVES.items() for b in to]
    known += [("target", a, b) for a, to in TARGET_MOVES.items() for b in to]
    assert sorted(map(tuple, rows)) == sorted(known)


def test_every_table_of_customers_forces_row_level_security(database):
    rows = database.rows(TABLES)
    unprotected = {name for name, enabled, forced in rows if not (enabled and forced)}
    assert unprotected == WITHOUT_CUSTOMERS


def test_every_table_with_an_account_compares_it_in_a_policy(database):
    with_account = {
        name
        for (name,) in database.rows(
            "select table_name from information_schema.columns"
            " where table_schema = 'public' and column_name = 'account_id'"
        )
    } | OWN_COLUMN.keys()
    assert not with_account & WITHOUT_CUSTOMERS
    for table in with_account - {"dead_letters"}:
        ((using, check, roles),) = database.rows(TENANT, t=table)
        column = OWN_COLUMN.get(table, "account_id")
        expected = f"({column} = NULLIF(current_setting('app.account'::text, true), ''::text))"
        assert (using, check, roles) == (expected, expected, "{imangor_app,imangor_system}"), table


def test_only_the_tables_that_must_be_crossed_let_the_system_cross(database):
    rows = database.rows("select tablename, roles::text from pg_policies where qual = 'true'")
    assert {tuple(row) for row in rows} == {
        (name, "{imangor_system}")
        for name in (
            *(
                "api_keys",
                "oauth_grants",
                "outbox",
                "leases",
                "deadlines",
                "idempotency_keys",
                "dead_letters",
                "audit_heads",
                "data_keys",
            ),
            *("users", "memberships", "invitations", "emails", "sessions"),
        )
    }


def test_no_table_is_granted_to_everybody(database):
    assert (
        database.rows(
            "select table_name from information_schema.role_table_grants"
            " where table_schema = 'public' and grantee = 'PUBLIC'"
        )
        == []
    )


@pytest.mark.parametrize("role", ["imangor_owner", "imangor_app", "imangor_system"])
def test_roles_can_neither_log_in_nor_bypass(database, role):
    facts = "select rolcanlogin, rolbypassrls, rolsuper, rolcreaterole, rolcreatedb from pg_roles"
    (row,) = database.rows(facts + " where rolname = :r", r=role)
    assert not any(row)


def test_tables_belong_to_the_owner_who_runs_nothing(database):
    owners = database.rows("select distinct tableowner from pg_tables where schemaname = 'public'")
    assert [tuple(row) for row in owners] == [("imangor_owner",)]
