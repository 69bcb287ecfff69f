"""The service tests itself: the card goes through the whole cloud, and what came of it can be read."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from local.gateway.invokers import SCHEDULES
from local.testing import Cloud, running, until

pytestmark = pytest.mark.cloud


def requested(cloud: Cloud) -> str:
    reply = cloud.request("POST", "/v1/admin/selftest", key=cloud.admin_key)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


def ended(cloud: Cloud, test: str) -> tuple[int, dict[str, Any]]:
    """Let rounds be called more often than each minute, until this self-test is the last that ended."""

    def last() -> tuple[int, dict[str, Any]] | None:
        time.sleep(1.2)  # by more than sixty a minute one would ask too often
        token = cloud.token("sweep", SCHEDULES)
        headers = {"Authorization": f"Bearer {token}", "X-CloudScheduler": "true"}
        requests.post(cloud.function_url("sweep"), json={}, headers=headers, timeout=60)
        reply = cloud.request("GET", "/v1/selftest", key=None)
        body = reply.json()
        return (reply.status_code, body) if body.get("selftest", body).get("id") == test else None

    status, body = until(last, 120)
    return status, body


def test_a_self_test_that_an_admin_asks_for_passes_through_every_stage(cloud: Cloud):
    for key, status in ((None, 401), ("", 403)):
        assert cloud.request("POST", "/v1/admin/selftest", key=key).status_code == status
    reads = cloud.counters("vision").get("images", 0)
    test = requested(cloud)
    assert requested(cloud) == test
    status, found = ended(cloud, test)
    assert status == 200 or found["selftest"]["fault"] == "slow", found
    found = found.get("selftest", found)
    assert set(found["quality"]) == {"read", "translated", "erased", "drawn", "kept"}
    assert min(found["quality"].values()) >= 0.9, found
    stages = "accept upload notice recognise dispatch translate draw publish"
    assert list(found["milliseconds"]) == stages.split()
    assert cloud.counters("vision")["images"] > reads


@pytest.mark.slow
def test_a_deployment_that_cannot_draw_says_so(tmp_path):
    with running("--function-env", f"FONTS_FOLDER={tmp_path}") as cloud:
        status, problem = ended(cloud, requested(cloud))
    assert status == 503
    assert problem["type"].endswith("/selftest-failed")
    assert "broken at the stage recognise" in problem["detail"]
    found = problem["selftest"]
    assert (found["state"], found["stage"], found["error"]) == ("failed", "recognise", "fonts-missing")
    assert list(found["milliseconds"]) == ["accept", "upload"]
