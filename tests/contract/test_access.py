"""Every operation, called through the edge as everybody in docs/access.md: the page tells the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, request

from shared.auth.principal import Principal
from shared.auth.roles import SCOPES_OF, Role
from shared.auth.visitors import Visit
from shared.core.errors import Unauthenticated
from shared.core.scopes import ADMIN, PERSON, SCOPES
from shared.edge.router import Site
from tools.access import NO, PATH, YES, document
from tools.openapi import ROOT, declared

ACCOUNT = "acc_01k9z3v5w8x2y4a6b8c0d2e4f6"
OPERATIONS = {e.name: (m, e) for m, endpoints in declared(ROOT / "functions") for e in endpoints}
ROW = re.compile(
    r"\| `(?P<name>\w+)` \| [A-Z]+ \S+ \| (?P<needs>\S+)"
    r" \| (?P<viewer>\S+) \| (?P<editor>\S+) \| (?P<owner>\S+) \| `?(?P<key>[^`]+?)`? \|"
    r" (?P<visitor>[^|]+) \|"
)
PAGE = {row["name"]: row.groupdict() for row in ROW.finditer(PATH.read_text(encoding="utf-8"))}


class Reached(Exception):
    """The call came past the door."""


@dataclass
class Door:
    """A context that knows who calls, and ends with whatever comes after that."""

    caller: Principal | None
    trial: bool = False
    principal: Any = None
    credentials: Any = None

    def for_request(self, *, operation: str, request_id: str) -> Door:
        return self

    def authenticate(self, credentials: Any) -> Principal:
        if self.caller is None:
            raise Unauthenticated()
        return self.caller

    def visit(self, credentials: Any) -> Visit | None:
        return Visit(visitor(), "token") if self.trial else None

    def check_signature(self, headers: Any, body: bytes) -> None:
        raise Unauthenticated()

    def rate_limit(self, *_: Any) -> Any:
        raise Reached

    unit_of_work = rate_limit


def person(role: Role | None, *more: str) -> Principal:
    scopes = SCOPES_OF[role] | set(more) if role else frozenset()
    return Principal("usr_1", ACCOUNT if role else "", frozenset(scopes), kind="user", user="usr_1")


def visitor() -> Principal:
    return Principal("tri_1", ACCOUNT, frozenset(), kind="trial")


def key(*scopes: str) -> Principal:
    return Principal("key_1", ACCOUNT, frozenset(scopes), key="key_1")


@pytest.fixture(scope="module")
def status():
    """Calls an operation as somebody; the status of the answer, 0 where the call came past the door."""
    app = Flask(__name__)

    def call(name: str, caller: Principal | None, *, trial: bool = False) -> int:
        manifest, endpoint = OPERATIONS[name]
        path = re.sub(r"\{\w+\}", "x", manifest.absolute(endpoint.route))
        site = Site(manifest.name, ROOT / "functions" / manifest.name, (endpoint,), Door(caller, trial))
        headers = {"Authorization": "Bearer x"} if caller else {}
        with app.test_request_context(path, method=endpoint.method, headers=headers):
            answer = site.answer(request)
        return 0 if answer.status_code == 500 or answer.status_code < 400 else answer.status_code

    return call


def test_the_page_is_up_to_date_and_has_every_operation():
    assert PATH.read_text(encoding="utf-8") == document(), "make generate"
    assert set(PAGE) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_lets_in_whom_the_page_names_and_nobody_else(name, status):
    row = PAGE[name]
    anyway = {"anybody": 0, "signed": 401}.get(row["needs"])
    cells = {role: (person(role), row[role] == YES) for role in Role}
    cells["somebody without an account"] = (person(None), row["needs"] == "person")
    cells["an admin"] = (person(Role.OWNER, ADMIN), YES in row["owner"] or row["needs"] == ADMIN)
    cells["a visitor with a token"] = (visitor(), row["visitor"] != NO)
    cells |= {f"key {scope}": (key(scope), row["key"] == scope) for scope in (*SCOPES, ADMIN)}
    cells["a key with all scopes but that one"] = (key(*{*SCOPES, ADMIN} - {row["key"]}), False)
    found = {who: status(name, caller) for who, (caller, _) in cells.items()}
    said = {who: 0 if allowed else 403 for who, (_, allowed) in cells.items()}
    assert found == (said if anyway is None else dict.fromkeys(cells, anyway))
    assert status(name, None) == (401 if anyway is None else anyway)
    begins = row["visitor"] in {"begins", YES}
    assert status(name, None, trial=True) == (0 if begins else 401)


def test_every_scope_that_is_needed_can_be_had():
    assert {row["needs"] for row in PAGE.values()} <= {"anybody", "signed", PERSON, ADMIN, *SCOPES}


def test_no_key_does_what_a_person_does_as_themselves():
    assert {row["key"] for row in PAGE.values() if row["needs"] == "person"} <= {NO}


def test_visitors_reach_five_operations_and_what_is_public():
    reached = {name: row["visitor"] for name, row in PAGE.items() if row["needs"] != "anybody"}
    begins = dict.fromkeys(("create_job", "list_languages"), "begins")
    theirs = dict.fromkeys(("get_job", "list_outputs", "delete_job"), "their own")
    assert {name: cell for name, cell in reached.items() if cell != NO} == begins | theirs
