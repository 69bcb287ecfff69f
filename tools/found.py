"""Open an account in a deployed database: python -m tools.found NAME [--admin] [--credits N] [--secret NAME].

For the first account and the platform's admin, whom nobody could let in by the API. Runs inside the private
network as the migrations do. Reads MIGRATIONS_URL and KEY_PEPPER. The key is shown once: printed, or, with
--secret, stored as a new version of that secret of GOOGLE_CLOUD_PROJECT, because what a job prints is kept
in its logs.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from typing import Any

from sqlalchemy import create_engine

from shared.accounts.founding import Founded, Founding, found

SECRETS = "https://secretmanager.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class NotKept(Exception):
    """The key would be lost, or be read by those who may read logs; nothing was opened."""


def keep(session: Any, project: str, secret: str, key: str, endpoint: str = SECRETS) -> None:
    """Add the key to a secret as its newest version; `session` sends requests with credentials."""
    data = base64.b64encode(key.encode()).decode()
    url = f"{endpoint}/v1/projects/{project}/secrets/{secret}:addVersion"
    session.post(url, json={"payload": {"data": data}}, timeout=30).raise_for_status()


def _session() -> Any:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return AuthorizedSession(credentials)


def _check(secret: str | None, session: Any, endpoint: str) -> None:
    """Raise `NotKept` before anything is opened whose key could not be handed over."""
    if secret is None:
        if "CLOUD_RUN_JOB" in os.environ:
            raise NotKept("What a job prints is kept in its logs: name a secret with --secret.")
        return
    url = f"{endpoint}/v1/projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/secrets/{secret}:testIamPermissions"
    wanted = ["secretmanager.versions.add"]
    answer = session.post(url, json={"permissions": wanted}, timeout=30)
    if answer.status_code != 200 or answer.json().get("permissions") != wanted:
        raise NotKept(f"Versions cannot be added to the secret {secret}.")


def _open(order: Founding) -> Founded:
    engine = create_engine(os.environ["MIGRATIONS_URL"])
    try:
        return found(engine, os.environ["KEY_PEPPER"], order)
    finally:
        engine.dispose()


def main(arguments: list[str] | None = None, session: Any = None, endpoint: str = SECRETS) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.found", description="Open an account.")
    parser.add_argument("name", help="the account's name")
    parser.add_argument("--admin", action="store_true", help="make it one of the platform's own")
    parser.add_argument("--credits", type=int, default=0, metavar="N", help="credits to begin with")
    parser.add_argument("--secret", metavar="SECRET", help="add the key to this secret, and print it nowhere")
    options = parser.parse_args(arguments)
    sender = session or (_session() if options.secret else None)
    try:
        _check(options.secret, sender, endpoint)
    except NotKept as refused:
        print(refused, file=sys.stderr)
        return 1
    opened = _open(Founding(options.name, options.credits, admin=options.admin))
    print(f"account {opened.account}")
    if options.secret:
        keep(sender, os.environ["GOOGLE_CLOUD_PROJECT"], options.secret, opened.api_key, endpoint)
        print(f"its key is the newest version of the secret {options.secret}")
    else:
        print(f"key {opened.api_key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
