"""What callers do with their jobs."""

from __future__ import annotations

import pytest
import requests

from local.testing import until

pytestmark = pytest.mark.cloud


def test_jobs_are_listed_newest_first_in_pages(new_caller):
    caller = new_caller()
    made = [caller.order(name=f"{i}.png")["id"] for i in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = caller.call("GET", "/v1/jobs", params=query).json()
        seen += [job["id"] for job in page["jobs"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == made[::-1]
    assert caller.call("GET", "/v1/jobs?state=completed").json()["jobs"] == []
    assert caller.call("GET", "/v1/jobs?cursor=nonsense").status_code == 422


def test_a_cancelled_job_stays_cancelled_and_costs_nothing(new_caller, draw):
    caller = new_caller()
    job = caller.order()
    cancelled = caller.call("POST", f"/v1/jobs/{job['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert caller.job(job["id"])["state"] == "cancelled"
    put = job["upload"]["put"]
    requests.put(put["url"], data=draw(), headers=put["headers"], timeout=10)
    until(lambda: caller.objects(f"uploads/{caller.account}/", "uploads") == [], 20)
    assert caller.job(job["id"])["state"] == "cancelled"
    charges = caller.call("GET", f"/v1/jobs/{job['id']}/receipt").json()["charges"]
    assert [charge["kind"] for charge in charges] == ["hold", "release"]


def test_an_ended_job_cannot_be_cancelled(caller, draw):
    job = caller.ended(caller.send(draw()).json()["id"])
    reply = caller.call("POST", f"/v1/jobs/{job['id']}/cancel")
    assert (reply.status_code, reply.json()["type"].rsplit("/", 1)[1]) == (409, "job-ended")


def test_retry_makes_a_child_that_does_not_read_the_picture_again(caller, draw):
    parent = caller.ended(caller.send(draw(), targets="es,fr").json()["id"])
    read = caller.cloud.counters("vision")["calls"]["BatchAnnotateImages"]
    child = caller.call("POST", f"/v1/jobs/{parent['id']}/retry")
    assert child.status_code == 201
    assert child.json()["parent"] == parent["id"]
    assert [t["language"] for t in child.json()["targets"]] == ["fr"]
    assert caller.ended(child.json()["id"])["state"] == "failed"
    assert caller.cloud.counters("vision")["calls"]["BatchAnnotateImages"] == read
    done = caller.ended(caller.send(draw()).json()["id"])
    assert caller.call("POST", f"/v1/jobs/{done['id']}/retry").status_code == 409


def test_a_deleted_job_is_gone_with_its_files(new_caller, draw):
    caller = new_caller()
    job = caller.ended(caller.send(draw()).json()["id"])
    until(lambda: len(caller.objects(f"results/{caller.account}/")) == 3)
    assert caller.call("DELETE", f"/v1/jobs/{job['id']}").status_code == 204
    for path in ("", "/outputs", "/receipt"):
        assert caller.call("GET", f"/v1/jobs/{job['id']}{path}").status_code == 404
    assert caller.call("GET", f"/v1/scenes/{job['id']}").status_code == 404
    assert caller.call("DELETE", f"/v1/jobs/{job['id']}").status_code == 404
    assert caller.objects(f"results/{caller.account}/") == []
    assert caller.objects(f"uploads/{caller.account}/", "uploads") == []


def test_several_languages_from_one_reading(caller, draw):
    job = caller.ended(caller.send(draw(), targets="es,ca,gl").json()["id"])
    assert [t["state"] for t in job["targets"]] == ["done"] * 3
    receipt = caller.call("GET", f"/v1/jobs/{job['id']}/receipt").json()
    assert (receipt["provider_calls"]["vision"], receipt["credits"]) == (1, 3)


def test_reading_a_job_shows_its_change_at_once(caller):
    job = caller.order()["id"]
    assert caller.job(job)["state"] == "awaiting_upload"
    caller.call("POST", f"/v1/jobs/{job}/cancel")
    assert caller.job(job)["state"] == "cancelled"
