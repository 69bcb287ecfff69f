"""Operations that speak as OAuth 2.0 has it, under the real framework; and the rate of a caller's own key."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.framework import isolated, serve
from scenarios.in_memory import WORLD

from shared.core.errors import DependencyDown, RateLimited

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def _isolated():
    with isolated():
        yield


@pytest.fixture
def client():
    return serve("clients")


def test_a_form_is_read_and_what_is_not_known_in_it_is_ignored(client):
    sent = {"grant_type": "x", "scope": "a b", "vendor": "1"}
    answer = client.post("/v1/clients/token", data=sent, headers={"Authorization": "Basic eDp5"})
    assert (answer.status_code, answer.json) == (200, {"scope": "a b"})
    assert WORLD.seen[0].authorization == "Basic eDp5"


@pytest.mark.parametrize(
    ("order", "status", "word"),
    [
        ({"data": {"grant_type": "wrong"}}, 401, "invalid_client"),
        ({"data": "", "headers": FORM}, 400, "invalid_request"),
        ({"data": {"grant_type": "x" * 21}}, 400, "invalid_request"),
        ({"data": "grant_type=a&grant_type=b", "headers": FORM}, 400, "invalid_request"),
        ({"data": "grant_type=%00", "headers": FORM}, 400, "invalid_request"),
        ({"json": {"grant_type": "x"}}, 415, "invalid_request"),
        ({"data": "grant_type=" + "x" * 30_000, "headers": FORM}, 413, "invalid_request"),
    ],
)
def test_a_problem_is_an_error_of_oauth_too(client, order, status, word):
    answer = client.post("/v1/clients/token", **order)
    assert (answer.status_code, answer.json["status"], answer.json["error"]) == (status, status, word)
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["type"].startswith("https://imangor.dev/problems/")
    assert answer.json["error_description"].isascii()
    assert not set('"\\') & set(answer.json["error_description"])


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (RateLimited(retry_after=3), "temporarily_unavailable"),
        (DependencyDown(), "temporarily_unavailable"),
        (ValueError("secret"), "server_error"),
    ],
)
def test_what_is_not_the_clients_fault_is_not_called_so(client, error, word):
    WORLD.raising = error
    answer = client.post("/v1/clients/token", data={"grant_type": "x"})
    assert answer.json["error"] == word
    assert "secret" not in answer.get_data(as_text=True)


def test_only_somebody_who_signed_in_is_sent_away(client):
    answer = client.get("/v1/clients/go", headers={"Authorization": "Bearer ann"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://app.example/?a=b")
    assert client.get("/v1/clients/go", headers={"Authorization": "Bearer writer"}).status_code == 403


def test_a_well_known_path_is_served(client):
    assert client.get("/.well-known/clients.json").json == {"scope": "all"}


def test_a_key_with_a_rate_of_its_own_is_held_to_it_over_all_operations():
    notes, slow = serve("notes"), {"Authorization": "Bearer slow"}
    first = notes.get("/v1/notes", headers=slow)
    assert first.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    second = notes.post("/v1/notes", json={"text": "a"}, headers=slow)
    assert second.headers["RateLimit-Policy"] == '"key";q=2;w=60, "create_note";q=3;w=60'
    assert second.headers["RateLimit"] == '"key";r=0;t=30, "create_note";r=2;t=30'
    assert notes.get("/v1/notes", headers=slow).status_code == 429
