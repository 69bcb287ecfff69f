"""Write or check `docs/access.md`, who may call what: `python -m tools.access --write | --check`.

It is made of the operations' declarations, `shared/auth/roles.py` and `shared/core/scopes.py`; a test calls
every operation as everybody in the table.
"""

from __future__ import annotations

import argparse
import sys

from shared.auth.roles import SCOPES_OF, Role
from shared.core.scopes import MEANINGS, PERSON
from shared.edge.endpoint import Endpoint
from shared.edge.manifest import Manifest
from tools.openapi import ROOT, declared

PATH = ROOT / "docs" / "access.md"
YES, NO = "yes", "–"

_HEAD = """# Who may call what

A person has the scopes of their role in the account that they call for. An API key has the scopes that it was
given, and so has an access token got with it, as far as it asked for them. An operation needs one scope;
without it the answer is 403, and 401 for nobody known. What belongs to another account is not there: 404.

- **anybody** needs nothing, **signed** is a message that its sender signs.
- **person** is no scope but whoever signed in; such an operation is about them and not about an account.
- **admin** is for the platform's own: keys with that scope, and owners, of an account in `platform_admins`.
- A **visitor** has no account. Where the deployment has a trial, they begin it by a call without credential,
  and then have a token for what they sent themselves, and nothing else. Without a trial the answer is 401.
- Owners are made, changed and removed only with `account:owner`, whatever else an operation needs.

This page is made by `python -m tools.access --write`.
"""


def document() -> str:
    """The text of the page."""
    scopes = [_row(f"`{scope}`", meaning, *_roles(scope)) for scope, meaning in MEANINGS.items()]
    found = [(m, e) for m, endpoints in declared(ROOT / "functions") for e in endpoints]
    rows = [_operation(m, e) for m, e in sorted(found, key=lambda pair: (pair[0].name, pair[1].name))]
    roles = [role.value for role in Role]
    return "".join(
        [
            _HEAD,
            _table("Scopes", ["scope", "allows to", *roles], scopes),
            _table("Operations", ["operation", "call", "needs", *roles, "a key needs", "visitor"], rows),
        ]
    )


def _operation(manifest: Manifest, endpoint: Endpoint) -> str:
    call = f"{endpoint.method} {manifest.absolute(endpoint.route)}"
    callers = (*_roles(endpoint.auth), _key(endpoint), _visitor(endpoint))
    return _row(f"`{endpoint.name}`", call, needs(endpoint), *callers)


def needs(endpoint: Endpoint) -> str:
    """What an operation asks of its caller, in a word."""
    return "signed" if endpoint.signed else endpoint.auth or "anybody"


def _roles(scope: str | None) -> list[str]:
    return [YES if scope in {None, PERSON} or scope in SCOPES_OF[role] else NO for role in Role]


def _key(endpoint: Endpoint) -> str:
    if endpoint.auth is None:
        return "nothing"
    return NO if endpoint.auth == PERSON else f"`{endpoint.auth}`"


def _visitor(endpoint: Endpoint) -> str:
    if endpoint.auth is None and not endpoint.signed:
        return YES
    return {"begins": "begins", "own": "their own"}[endpoint.trial] if endpoint.trial else NO


def _table(title: str, columns: list[str], rows: list[str]) -> str:
    return f"\n## {title}\n\n{_row(*columns)}{'|---' * len(columns)}|\n" + "".join(rows)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def main(argv: list[str] | None = None) -> int:
    """Write the page, or tell whether it is up to date; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write or check docs/access.md.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the page")
    mode.add_argument("--check", action="store_true", help="fail where the page is out of date")
    wanted, text = parser.parse_args(argv), document()
    if wanted.write:
        PATH.write_text(text, encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
        print("docs/access.md is out of date: python -m tools.access --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
