"""Makes the database ready: the database itself, migrations, one login role for each function, the seed.

Run as a process of its own (`python -m local.services.database`), because what it imports is slow to load
and needed only when something changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pg8000.native

from local.services.environment import database_user
from local.state import REPOSITORY, State, read_json, write_json

NAME = "imangor"
ADMIN = "imangor_admin"
LOCAL_USER = "local_app"
ACCOUNT_FILE = "account.json"

_GROUPS = {
    "database": "imangor_app",
    "database-system": "imangor_system",
    "database-eraser": "imangor_eraser",
}
_STARTING_UP = "57P03"


def superuser_url(port: int) -> str:
    """The URL of the user that passes by every rule; for tests and the seed."""
    return f"postgresql+pg8000://postgres@127.0.0.1:{port}/{NAME}"


def admin_url(port: int) -> str:
    """The URL of the user that migrates: CREATEROLE and no superuser, as Cloud SQL's own `postgres`."""
    return f"postgresql+pg8000://{ADMIN}@127.0.0.1:{port}/{NAME}"


def users_of(uses: Mapping[str, list[str]]) -> dict[str, str]:
    """Login role to the one group role it is a member of, for functions that use the database."""
    users = {LOCAL_USER: _GROUPS["database"]}
    for function, words in uses.items():
        groups = {_GROUPS[word] for word in words if word in _GROUPS}
        if len(groups) > 1:
            raise ValueError(f"{function} uses both database and database-system")
        users.update(dict.fromkeys([database_user(function)] if groups else [], *groups))
    return users


def fingerprint(users: Mapping[str, str]) -> str:
    """Identifies all that a ready database was made from: migrations, the seed, and the users."""
    digest = hashlib.sha256(json.dumps(users, sort_keys=True).encode())
    sources = sorted((REPOSITORY / "shared/db/migrations").rglob("*.py"))
    sources += [REPOSITORY / "shared/db/migrate.py", REPOSITORY / "local/seed.py", Path(__file__)]
    sources.append(REPOSITORY / "shared/accounts/founding.py")
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_ready(port: int, users: Mapping[str, str]) -> bool:
    """Whether the database was made from exactly what the code holds now. Waits until the server answers."""
    connection = connect(port, "postgres")
    try:
        rows = connection.run(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = :n", n=NAME
        )
    finally:
        connection.close()
    return bool(rows) and rows[0][0] == fingerprint(users)


def connect(port: int, database: str = NAME, patience: float = 30) -> pg8000.native.Connection:
    """A superuser's connection; waits while the server is still recovering."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return pg8000.native.Connection("postgres", host="127.0.0.1", port=port, database=database)
        except pg8000.native.DatabaseError as error:
            if error.args[0].get("C") != _STARTING_UP or time.monotonic() > deadline:
                raise
        except pg8000.native.InterfaceError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def prepare(state: State, port: int, users: Mapping[str, str]) -> None:
    """Bring the database to what the code wants; does nothing twice."""
    _create(port)
    _migrate(port)
    connection = connect(port)
    try:
        for user, group in users.items():
            _ensure_login(connection, user, group)
        _seed(state, port, connection)
        connection.run(f"comment on database {NAME} is '{fingerprint(users)}'")
    finally:
        connection.close()


def account(state: State) -> dict[str, Any]:
    """The seeded developer account, `account` and `api_key`, and an `admin_key`; empty before the seed."""
    return read_json(state.keys / ACCOUNT_FILE)


def source_object(port: int, account: str, job: str) -> str | None:
    """The name of a job's source in the uploads bucket; None when the account has no such job."""
    connection = connect(port, patience=5)
    try:
        rows = connection.run(
            "select source_object from jobs where id = :j and account_id = :a", j=job, a=account
        )
    finally:
        connection.close()
    return str(rows[0][0]) if rows else None


def _create(port: int) -> None:
    connection = connect(port, "postgres")
    try:
        if not connection.run("select 1 from pg_roles where rolname = :r", r=ADMIN):
            connection.run(f"create role {ADMIN} login createrole createdb")
        if not connection.run("select 1 from pg_database where datname = :n", n=NAME):
            connection.run(f"create database {NAME} owner {ADMIN}")
    finally:
        connection.close()


def _migrate(port: int) -> None:
    from shared.db.migrate import upgrade

    upgrade(admin_url(port))


def _ensure_login(connection: pg8000.native.Connection, user: str, group: str) -> None:
    name = pg8000.native.identifier(user)
    if not connection.run("select 1 from pg_roles where rolname = :u", u=user):
        connection.run(f"create role {name} login nobypassrls")
    members = "select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid "
    members += "join pg_roles u on u.oid = m.member where u.rolname = :u"
    for (other,) in connection.run(members, u=user):
        if other != group:
            connection.run(f"revoke {pg8000.native.identifier(other)} from {name}")
    connection.run(f"grant {pg8000.native.identifier(group)} to {name}")


def _seed(state: State, port: int, connection: pg8000.native.Connection) -> None:
    from local.seed import appoint, seed
    from shared.auth.principal import SCOPES

    known, url, pepper = account(state), superuser_url(port), state.secret("pepper")
    if not connection.run("select 1 from accounts where id = :a", a=known.get("account", "")):
        seeded = seed(url, pepper)
        known = {"account": seeded.account, "api_key": seeded.api_key}
    # A developer's account from before a scope was there gets it; a new one has all of them.
    connection.run(
        "update api_keys set scopes = :s where account_id = :a and name = 'first'",
        s=list(SCOPES),
        a=known["account"],
    )
    if "admin_key" not in known:
        known["admin_key"] = appoint(url, pepper).api_key
    write_json(state.keys / ACCOUNT_FILE, known)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--users", type=json.loads, required=True)
    options = parser.parse_args()
    prepare(State(options.state), options.port, options.users)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
