"""The first account of a deployed database: by a user without superuser rights, like Cloud SQL's."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from sqlalchemy import create_engine, text

from local.services.database import ADMIN
from shared.accounts.founding import Founding, found
from shared.auth.api_keys import key_hash
from shared.auth.known_keys import find_key
from tools import found as tool

PEPPER = "pepper"


@pytest.fixture
def migrations(database):
    engine = create_engine(database.server.url(ADMIN))
    yield engine
    engine.dispose()


def _caller(database, key):
    digest = key_hash(key, PEPPER)
    uow = database.uow()
    with type(uow)(uow._engine, None, digest.hex()) as uow:
        known = find_key(uow, [digest])
    return known and known.principal


def test_an_account_opens_with_key_and_credits(database, migrations):
    opened = found(migrations, PEPPER, Founding("First", credits=7))
    caller = _caller(database, opened.api_key)
    assert opened.api_key.startswith("img_live_")
    assert (caller.account, "admin" in caller.scopes) == (opened.account, False)
    assert database.value("select available from balances where account_id = :a", a=opened.account) == 7


def test_an_admin_is_known_to_the_database(database, migrations):
    opened = found(migrations, PEPPER, Founding("Operator", admin=True))
    assert "admin" in _caller(database, opened.api_key).scopes


def test_the_user_that_migrates_keeps_no_role_of_the_functions(database, migrations):
    before = _memberships(database)
    found(migrations, PEPPER, Founding("First", admin=True))
    assert _memberships(database) == before
    with migrations.connect() as connection:
        assert connection.execute(text("select count(*) from accounts")).scalar_one() == 0


def _memberships(database):
    members = "select r.rolname from pg_auth_members m join pg_roles u on u.oid = m.member "
    members += (
        "join pg_roles r on r.oid = m.roleid where u.rolname = :u and (m.set_option or m.inherit_option)"
    )
    return sorted(row[0] for row in database.rows(members, u=ADMIN))


def test_what_fails_leaves_nothing(database, migrations):
    with pytest.raises(Exception):  # noqa: B017 - whatever the ledger says to it
        found(migrations, PEPPER, Founding("First", credits=-1))
    assert database.value("select count(*) from accounts") == 0
    assert database.value("select count(*) from api_keys") == 0


class _Secrets(BaseHTTPRequestHandler):
    permitted: tuple[str, ...] = ("secretmanager.versions.add",)
    kept: list[str]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"name": f"{self.path}/versions/1"}
        if self.path.endswith(":testIamPermissions"):
            answer = {"permissions": [p for p in body["permissions"] if p in self.permitted]}
        else:
            self.kept.append(base64.b64decode(body["payload"]["data"]).decode())
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def secrets():
    handler = type("Handler", (_Secrets,), {"kept": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def deployed(database, monkeypatch):
    monkeypatch.setenv("MIGRATIONS_URL", database.server.url(ADMIN))
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "imangor-test")


def test_the_key_goes_into_a_secret_and_not_into_the_log(database, deployed, secrets, monkeypatch, capsys):
    monkeypatch.setenv("CLOUD_RUN_JOB", "operations")
    handler, endpoint = secrets
    assert tool.main(["Operator", "--admin", "--secret", "first-key"], requests.Session(), endpoint) == 0
    (key,) = handler.kept
    assert "admin" in _caller(database, key).scopes
    assert key not in "".join(capsys.readouterr())


@pytest.mark.parametrize(("secret", "permitted"), [([], ()), (["--secret", "first-key"], ())])
def test_nothing_is_opened_whose_key_could_not_be_handed_over(
    database, deployed, secrets, monkeypatch, secret, permitted
):
    monkeypatch.setenv("CLOUD_RUN_JOB", "operations")
    handler, endpoint = secrets
    monkeypatch.setattr(handler, "permitted", permitted)
    assert tool.main(["Operator", *secret], requests.Session(), endpoint) == 1
    assert database.value("select count(*) from accounts") == 0


def test_at_a_terminal_the_key_is_printed(database, deployed, capsys):
    assert tool.main(["First", "--credits", "3"]) == 0
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert _caller(database, printed["key"]).account == printed["account"]
