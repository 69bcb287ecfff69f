"""The two-account matrix: no operation of the API shows or changes what belongs to another account."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from local.seed import open_account
from local.testing import until

pytestmark = pytest.mark.cloud

OPENAPI = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
METHODS = {"get", "post", "put", "patch", "delete"}
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}

PUBLIC = {
    operation["operationId"]
    for item in OPENAPI["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and operation.get("security") == []
}
NAMED = {name: call for name, call in OPERATIONS.items() if "{" in call[1] and name not in PUBLIC}
LISTS = sorted(
    name
    for name, (method, path) in OPERATIONS.items()
    if method == "GET" and "{" not in path and name not in PUBLIC
)
BODIES = {
    "set_key_limits": {"daily": 1, "monthly": 1},
    "change_key": {"name": "theirs"},
    "update_webhook_endpoint": {"description": "theirs"},
    "change_member": {"role": "viewer"},
    "set_member_role": {"role": "viewer"},
    "grant_credits": {"credits": 1, "reason": "x"},
    "adjust_credits": {"credits": 1, "reason": "x"},
}
NOBODYS = {"get_statement": "A month belongs to nobody."}


@pytest.fixture(scope="module")
def world(cloud):
    """What one account has, by the names that paths have for it; and a key of another account."""
    mine, theirs = (
        open_account(cloud.connection["superuser_url"], cloud.state.secret("pepper"), name)
        for name in ("Mine", "Theirs")
    )

    def call(method, path, **how):
        reply = cloud.request(method, path, key=mine.api_key, **how)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else {}

    where = {"url": "http://127.0.0.1:9/hook", "types": ["job.completed"]}
    endpoint = call("POST", "/v1/webhooks/endpoints", json=where)["id"]
    job = call("POST", "/v1/jobs", json={"targets": ["es"], "source_language": "en"})["id"]
    call("POST", f"/v1/webhooks/endpoints/{endpoint}/test")
    invited = {"email": "somebody@example.com", "role": "viewer"}
    found = {
        "account_id": mine.account,
        "job_id": job,
        "endpoint_id": endpoint,
        "quote_id": call("POST", "/v1/quotes", json={"medium": "text", "characters": 9, "targets": ["es"]})[
            "id"
        ],
        "key_id": call("GET", "/v1/keys")["keys"][0]["id"],
        "event_id": call("GET", "/v1/webhooks/events")["events"][0]["id"],
        "delivery_id": until(lambda: call("GET", "/v1/webhooks/deliveries")["deliveries"])[0]["id"],
        "export_id": call("POST", "/v1/account/exports", json={"files": False})["id"],
        "invitation_id": call("POST", "/v1/invitations", json=invited)["id"],
        "user_id": "usr_01k9z3v5w8x2y4a6b8c0d2e4f6",
        "session_id": "ses_01k9z3v5w8x2y4a6b8c0d2e4f6",
        "reference": "r",
        "letter_id": "let_1",
        "queue": "send-email",
    }
    return cloud, mine, theirs, found


def _path(path, found):
    return re.sub(r"\{(\w+)\}", lambda name: found[name[1]], path)


@pytest.mark.parametrize("name", sorted(NAMED.keys() - NOBODYS))
def test_what_is_named_by_another_account_is_not_there(world, name):
    cloud, _, theirs, found = world
    method, path = NAMED[name]
    body = {"json": BODIES[name]} if name in BODIES else {}
    reply = cloud.request(method, _path(path, found), key=theirs.api_key, headers={"If-Match": "*"}, **body)
    foreign = {403} if path.startswith(("/v1/admin/", "/v1/accounts/", "/v1/sessions/")) else {404}
    assert reply.status_code in foreign, reply.text


READABLE = ["get_job", "get_quote", "get_key", "get_webhook_endpoint", "get_webhook_delivery"]


@pytest.mark.parametrize("name", READABLE)
def test_it_is_there_for_its_own_account(world, name):
    cloud, mine, _, found = world
    assert cloud.request("GET", _path(NAMED[name][1], found), key=mine.api_key).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_nothing_of_another_account_is_listed(world, name):
    cloud, mine, theirs, found = world
    reply = cloud.request("GET", OPERATIONS[name][1], key=theirs.api_key)
    # What an account has one of at most, such as an erasure, is not there.
    assert reply.status_code in {200, 403, 404}, reply.text
    own = {mine.account, *(value for key, value in found.items() if key not in {"user_id", "reference"})}
    assert [value for value in own if value in reply.text] == []


def test_the_owner_still_has_everything(world):
    cloud, mine, _, found = world
    lists = {"/v1/jobs": "job_id", "/v1/webhooks/endpoints": "endpoint_id", "/v1/keys": "key_id"}
    for path, name in (lists | {"/v1/invitations": "invitation_id"}).items():
        assert found[name] in cloud.request("GET", path, key=mine.api_key).text, path
