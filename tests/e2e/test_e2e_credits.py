"""Credits over HTTP: what was done is in the books, payments count once, and admins are few."""

import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.seed import open_account
from shared.webhooks.signature import secret_bytes, sign

pytestmark = pytest.mark.cloud


@pytest.fixture
def account(cloud):
    return open_account(cloud.connection["superuser_url"], cloud.state.secret("pepper"), "Payer", credits=0)


def pay(cloud, account, kind, reference, credits, *, key=None, at=None, **data):
    """Tell of a payment as the provider's adapter does."""
    data |= {"account": account.account, "reference": reference, "credits": credits}
    body = json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()
    secret = key or secret_bytes(cloud.state.secret("payments"))
    headers = sign([secret], "msg_1", int(at or time.time()), body) | {"Content-Type": "application/json"}
    return cloud.request("POST", "/v1/credits/payments", key=None, data=body, headers=headers)


def read(cloud, account, path=""):
    return cloud.request("GET", f"/v1/credits{path}", key=account.api_key)


def test_a_payment_told_many_times_at_once_is_in_the_books_once(cloud, account):
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: pay(cloud, account, "purchase", account.account, 30), range(6)))
    assert [reply.status_code for reply in told] == [200] * 6
    assert len({reply.json()["id"] for reply in told}) == 1
    assert read(cloud, account).json() == {"available": 30, "held": 0, "expiring": None}
    changed = pay(cloud, account, "purchase", account.account, 31)
    assert (changed.status_code, changed.json()["type"].rsplit("/")[-1]) == (409, "reference-reused")

    refund = pay(cloud, account, "refund", f"{account.account}.r", 10, purchase=account.account).json()
    assert (refund["available"], refund["shortfall"]) == (-10, 0)
    month = refund["at"][:7]
    statement = read(cloud, account, f"/statements/{month}").json()
    assert (statement["granted"], statement["refunded"], statement["closing"]["credits"]) == (30, 10, 20)
    export = read(cloud, account, "/entries.csv")
    assert export.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(export.text)))
    assert [(row["kind"], row["credits"]) for row in rows] == [("grant", "30"), ("refund", "10")]
    entries = read(cloud, account, "/entries?limit=1").json()
    assert [entry["kind"] for entry in entries["entries"]] == ["refund"]
    assert entries["next_cursor"] is not None


@pytest.mark.parametrize(
    "forgery", [{"key": b"f" * 32}, {"at": time.time() - 3600}, {"at": time.time() + 3600}]
)
def test_a_payment_that_is_not_signed_now_and_by_the_secret_is_refused(cloud, account, forgery):
    reply = pay(cloud, account, "purchase", "forged", 1000, **forgery)
    assert (reply.status_code, reply.json()["type"].rsplit("/")[-1]) == (401, "bad-signature")
    assert read(cloud, account).json()["available"] == 0


def test_a_body_that_was_changed_after_signing_is_refused(cloud, account):
    secret, body = secret_bytes(cloud.state.secret("payments")), b'{"type":"purchase"}'
    headers = sign([secret], "msg_1", int(time.time()), body) | {"Content-Type": "application/json"}
    for sent, status in ((b'{"type":"refund"}', 401), (body, 422)):
        how = {"key": None, "data": sent, "headers": headers}
        assert cloud.request("POST", "/v1/credits/payments", **how).status_code == status


def test_only_an_admins_key_grants_and_proves(cloud, account):
    path = f"/v1/admin/accounts/{account.account}/credits"
    for key in (account.api_key, cloud.api_key, None):
        expected = 401 if key is None else 403
        assert cloud.request("GET", path, key=key).status_code == expected
        order = {"credits": 5}
        assert cloud.request("PUT", f"{path}/grants/g", key=key, json=order).status_code == expected
    admin = cloud.admin_key
    granted = cloud.request("PUT", f"{path}/grants/g", key=admin, json={"credits": 5}).json()
    assert (granted["kind"], granted["available"]) == ("grant", 5)
    corrected = {"credits": -2, "reason": "too many"}
    assert cloud.request("PUT", f"{path}/adjustments/a", key=admin, json=corrected).status_code == 200
    proof = cloud.request("GET", path, key=admin).json()
    assert (proof["proven"], proof["available"], proof["findings"]) == (True, 3, [])
    assert cloud.request("GET", "/v1/jobs", key=admin).status_code == 403
