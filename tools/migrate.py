"""Bring a deployed database up to the code: python -m tools.migrate [--expand | --contract].

--expand goes as far as the version that serves can live with, --contract takes away what the version before
used, and without either everything is done. Each makes every function's IAM user a member of the one role
that its manifest names. Runs inside the private network. Reads MIGRATIONS_URL, the URL of a user that may
create roles, and GOOGLE_CLOUD_PROJECT. A second run does nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from shared.core.names import service_name
from shared.db.migrate import APP, ERASER, SYSTEM, WrongPhase, contract, current, expand, pending, upgrade
from shared.edge.manifest import Manifest, Use, load_all

ROOT = Path(__file__).resolve().parent.parent
_ROLES = {Use.DATABASE: APP, Use.DATABASE_SYSTEM: SYSTEM, Use.DATABASE_ERASER: ERASER}


def database_users(manifests: Mapping[str, Manifest], project: str) -> dict[str, str]:
    """IAM user of each function that reaches the database, as Terraform makes it, to its one role."""
    return {
        f"fn-{service_name(name)}@{project}.iam": _ROLES[word]
        for name, manifest in manifests.items()
        for word in manifest.uses
        if word in _ROLES
    }


def enrol(connection: Connection, users: Mapping[str, str]) -> list[str]:
    """Make each user a member of its role and of no other of ours; gives those who are not there yet."""
    members = _memberships(connection)
    for user, role in users.items():
        for other in members.get(user, set()) & set(_ROLES.values()) - {role}:
            connection.execute(text(f"revoke {other} from {_quoted(user)}"))
        if user in members and role not in members[user]:
            connection.execute(text(f"grant {role} to {_quoted(user)}"))
    return sorted(set(users) - set(members))


def _memberships(connection: Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        text(
            "select u.rolname, r.rolname from pg_roles u left join pg_auth_members m on m.member = u.oid "
            "left join pg_roles r on r.oid = m.roleid"
        )
    )
    found: dict[str, set[str]] = {}
    for user, role in rows:
        found.setdefault(user, set()).update([role] if role else [])
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command; 1 where a user is missing, which only Terraform makes, 2 in a wrong phase."""
    parser = argparse.ArgumentParser(prog="python -m tools.migrate", description="Migrate the database.")
    one = parser.add_mutually_exclusive_group()
    for step in (expand, contract):
        one.add_argument(f"--{step.__name__}", dest="step", action="store_const", const=step, default=upgrade)
    url, project = os.environ["MIGRATIONS_URL"], os.environ["GOOGLE_CLOUD_PROJECT"]
    try:
        parser.parse_args(arguments).step(url)
    except WrongPhase as wrong:
        print(wrong, file=sys.stderr)
        return 2
    engine = create_engine(url)
    with engine.begin() as connection:
        absent = enrol(connection, database_users(load_all(ROOT / "functions"), project))
    engine.dispose()
    print(f"the database is at {current(url)}")
    for revision, phase in pending(url):
        print(f"{revision} waits for --{phase}")
    if absent:
        print(f"terraform apply has not made these users: {', '.join(absent)}", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
