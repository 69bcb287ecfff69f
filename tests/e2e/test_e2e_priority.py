"""Work that nobody waits for never keeps waiting what somebody waits for."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.testing import Cloud, running, until

pytestmark = pytest.mark.cloud

_TIMES = """
select extract(epoch from finished_at - created_at), state, priority from jobs where id = :job
"""
_WAITING = "select count(*) from jobs where priority = 'bulk' and state in ('queued', 'processing')"


def _send(caller: Any, picture: bytes, priority: str) -> str:
    fields = {"targets": "es", "source_language": "en", "priority": priority}
    reply = caller.call("POST", "/v1/jobs", data=fields, files={"file": ("sign.png", picture)})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def _seconds(caller: Any, picture: bytes) -> float:
    """How long an interactive job takes by the database's clock, so that looking at it costs nothing."""
    job = _send(caller, picture, "interactive")
    caller.ended(job)
    database = caller.cloud.database()
    ((seconds, state, priority),) = database.run(_TIMES, job=job)
    database.close()
    assert (state, priority) == ("completed", "interactive")
    return float(seconds)


def _waiting(cloud: Cloud) -> int:
    database = cloud.database()
    ((count,),) = database.run(_WAITING)
    database.close()
    return int(count)


@pytest.mark.parametrize("bulk", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_with_many_bulk_jobs_waiting_an_interactive_one_takes_at_most_twice_its_idle_time(
    bulk, draw, opened_in
):
    with running() as cloud:
        # What one account bought is known to it from then on, so each of its jobs costs the same work.
        picture, callers = draw(), [opened_in(cloud) for _ in range(-(-bulk // 100))]
        for caller in callers:
            caller.ended(_send(caller, picture, "interactive"))
        idle = [_seconds(callers[0], picture) for _ in range(5)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: _send(callers[n % len(callers)], picture, "bulk"), range(bulk)))
        until(lambda: _waiting(cloud) < bulk, 30)
        busy = [_seconds(callers[0], picture) for _ in range(5)]
        assert _waiting(cloud) > bulk / 2, "the bulk jobs were done before they could be in the way"
        assert statistics.median(busy) <= 2 * statistics.median(idle), (idle, busy)
