"""Many callers at the same moment on the same thing: one job, one charge, one end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.testing import until

pytestmark = pytest.mark.cloud

ORDER = {"targets": ["es"], "source_language": "en"}


def _together(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Calls of many threads that begin at the same moment."""
    gate = threading.Barrier(count)

    def one(index: int) -> Any:
        gate.wait()
        return call(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def _statuses(replies: list[Any]) -> Counter[int]:
    return Counter(reply.status_code for reply in replies)


def _moves(caller, job: str) -> Counter[tuple[str, str]]:
    charges = caller.call("GET", f"/v1/jobs/{job}/receipt").json()["charges"]
    return Counter((charge["target"], charge["kind"]) for charge in charges)


def test_thirty_creations_with_one_key_are_one_job(new_caller):
    caller = new_caller()
    key = {"Idempotency-Key": "one"}
    replies = _together(30, lambda _: caller.call("POST", "/v1/jobs", json=ORDER, headers=key))
    made = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert len(made) == 1
    refusals = [reply.json()["type"] for reply in replies if reply.status_code != 201]
    assert all(kind.endswith("/idempotency-key-in-progress") for kind in refusals)
    assert [job["id"] for job in caller.call("GET", "/v1/jobs?limit=100").json()["jobs"]] == list(made)


def test_credit_for_one_job_makes_one(new_caller, draw):
    pictures = [draw(size=(60, 40)) for _ in range(20)]
    for send in (
        lambda caller, _: caller.call("POST", "/v1/jobs", json=ORDER),
        lambda caller, index: caller.send(pictures[index]),
    ):
        caller = new_caller(credits=1)
        replies = _together(20, lambda index, caller=caller, send=send: send(caller, index))
        assert _statuses(replies) == {201: 1, 402: 19}
        assert len(caller.call("GET", "/v1/jobs").json()["jobs"]) == 1
    stored = caller.objects(f"uploads/{caller.account}/", "uploads")
    assert len(stored) == 1


def test_cancelling_at_once_releases_each_target_once(new_caller, draw):
    caller = new_caller()
    waiting = caller.order(targets=["es", "fr", "ca"])["id"]
    started = caller.send(draw(size=(60, 40)), targets="es,fr,ca").json()["id"]
    for job in (waiting, started):
        replies = _together(20, lambda _, job=job: caller.call("POST", f"/v1/jobs/{job}/cancel"))
        assert set(_statuses(replies)) <= {200, 409}
        moves = _moves(caller, job)
        assert set(moves.values()) == {1}
        assert all((tag, "hold") in moves for tag in ("es", "fr", "ca"))
        ends = [kind for _, kind in moves if kind != "hold"]
        assert len(ends) == 3


def test_retrying_at_once_charges_each_child_for_itself(new_caller, draw):
    caller = new_caller()
    job = caller.send(draw(size=(60, 40)), targets="es").json()["id"]
    caller.call("POST", f"/v1/jobs/{job}/cancel")
    until(lambda: caller.job(job)["finished_at"])
    key = {"Idempotency-Key": "again"}
    replies = _together(10, lambda _: caller.call("POST", f"/v1/jobs/{job}/retry", headers=key))
    assert set(_statuses(replies)) <= {201, 409}
    children = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert len(children) <= 1
    for child in children:
        caller.call("POST", f"/v1/jobs/{child}/cancel")
        assert _moves(caller, child)["es", "hold"] == 1


def test_everything_at_once_on_one_job_leaves_it_deleted_and_paid_back(new_caller, cloud):
    caller = new_caller()
    job = caller.order(targets=["es", "fr", "ca"])["id"]
    calls = [("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", ""), ("GET", "/receipt")]
    replies = _together(30, lambda i: caller.call(calls[i % 5][0], f"/v1/jobs/{job}{calls[i % 5][1]}"))
    assert set(_statuses(replies)) <= {200, 204, 404, 409}
    assert [r.status_code for r in replies if r.request.method == "DELETE"].count(204) == 1
    assert caller.call("GET", f"/v1/jobs/{job}").status_code == 404
    database = cloud.database()
    try:
        kinds = database.run("select target, kind from ledger_transactions where job_id = :job", job=job)
    finally:
        database.close()
    assert Counter(map(tuple, kinds)) == {(t, k): 1 for t in ("es", "fr", "ca") for k in ("hold", "release")}


def test_fifty_requests_with_one_key_make_one_job(new_caller):
    caller = new_caller()
    how = {"json": {"targets": ["es"]}, "headers": {"Idempotency-Key": "fifty"}}
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: caller.call("POST", "/v1/jobs", **how), range(50)))
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in replies if reply.status_code == 409)
    (job,) = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert [each["id"] for each in caller.call("GET", "/v1/jobs").json()["jobs"]] == [job]
    again = caller.call("POST", "/v1/jobs", **how)
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (job, "true")


def test_fifty_requests_with_credit_for_one_make_one_job(new_caller):
    caller = new_caller(credits=1)
    with ThreadPoolExecutor(50) as pool:
        replies = list(
            pool.map(lambda _: caller.call("POST", "/v1/jobs", json={"targets": ["es"]}), range(50))
        )
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses == [201] + [402] * 49
    assert len(caller.call("GET", "/v1/jobs").json()["jobs"]) == 1
