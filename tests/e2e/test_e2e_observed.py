"""What operators see of a story: one trace for all of its parts, and nothing of what customers sent."""

from __future__ import annotations

import json

import pytest

from local.testing import run_local, until
from local.traces.store import TraceStore

pytestmark = pytest.mark.cloud

TRACE = "5ec0de5ec0de5ec0de5ec0de5ec0de01"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
# What only the story's caller knows; each would be told by a log that quotes it.
NAMES = ("markername", "markerkey", "markerfile", "markerpath")
WORDS = ("Platypus", "Ornithology")


def _lines(cloud):
    """Every line that a function wrote, as it was written."""
    paths = sorted(cloud.state.logs.glob("function-*.log"))
    return [line for path in paths for line in path.read_text().splitlines()]


def _of_trace(cloud):
    return [json.loads(line) for line in _lines(cloud) if TRACE in line]


def _tell(caller, draw):
    """The story: a good job, a bad picture, a wrong key, a token, an address, a name of its own."""
    ask = {"traceparent": PARENT, "Idempotency-Key": "markerkey-1"}
    reply = caller.send(draw(" ".join(WORDS)), name="markername.png", **ask)
    job = caller.ended(reply.json()["id"])
    caller.ended(caller.send(draw()[:-300], name="markerfile.png", traceparent=PARENT).json()["id"])
    for bad in (
        {"X-Api-Key": "img_live_markerkey"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.bWFya2Vy.markerkey"},
    ):
        refused = caller.cloud.request("GET", "/v1/jobs", key=None, headers={**bad, "traceparent": PARENT})
        assert refused.status_code == 401
    for method, path in (
        ("GET", "/v1/jobs/markerpath"),
        ("GET", "/v1/markerpath?q=markerpath"),
        ("GET", "/v1/jobs?cursor=markerpath"),
    ):
        refused = caller.cloud.request(method, path, key=caller.key, headers={"traceparent": PARENT})
        assert refused.status_code in (400, 404, 405, 422), (method, path)
    invited = {"email": "markername@example.com", "role": "viewer"}
    caller.call("POST", "/v1/invitations", json=invited, headers={"traceparent": PARENT})
    caller.call("POST", "/v1/jobs", json={"targets": ["markername"]}, headers={"traceparent": PARENT})
    return job


def test_one_trace_holds_all_that_a_job_was_and_nothing_that_its_caller_said(new_caller, draw):
    caller = new_caller()
    cloud, job = caller.cloud, _tell(caller, draw)
    assert job["state"] == "completed", job
    store = TraceStore(cloud.state.traces)
    parts = {"jobs", "on_upload", "process_image", "on_job_event", "members", "send_email"}
    until(lambda: parts <= {span.service for span in store.spans(TRACE)}, 30)
    spans = store.spans(TRACE)
    names = {span.name for span in spans}
    assert {"vision document_text", "translate translate_text", "storage put", "redis EVALSHA"} <= names
    assert {"smtp send", "INSERT job_steps", "COMMIT", "queue process_image", "publish on-job-event"} <= names
    ids = {span.id for span in spans}
    assert [s.name for s in spans if s.parent not in ids and s.parent != "00f067aa0ba902b7"] == []

    shown = run_local("trace", job["id"], "--state", str(cloud.state.folder)).stdout
    assert shown.startswith(f"trace {TRACE}\n")
    assert "process_image [process_image] status=200 step=render target=es" in shown
    of_trace = run_local("trace", TRACE, "--state", str(cloud.state.folder)).stdout
    assert of_trace.splitlines()[:2] == shown.splitlines()[:2]

    told = _of_trace(cloud)
    of_lines = {entry["logging.googleapis.com/spanId"] for entry in told}
    until(lambda: of_lines <= {span.id for span in store.spans(TRACE)})
    spans = store.spans(TRACE)
    assert {entry["serviceContext"]["service"] for entry in told} >= parts - {"on_upload"}
    assert all("traces/" + TRACE in entry["logging.googleapis.com/trace"] for entry in told)
    requests = {entry["request_id"] for entry in told}
    strays = [line for line in _lines(cloud) if any(r in line for r in requests) and TRACE not in line]
    assert strays == []

    scene = caller.call("GET", f"/v1/scenes/{job['id']}").text
    assert WORDS[0] in scene, "the picture was read"
    secrets = [*NAMES, *WORDS, caller.key, caller.key[9:30], "bWFya2Vy"]
    everything = "\n".join(path.read_text(errors="replace") for path in cloud.state.logs.glob("*.log"))
    everything += json.dumps([vars(span) for span in spans]) + _attributes(cloud)
    assert [secret for secret in secrets if secret in everything] == []
    told = [line for line in _lines(cloud) if '"audit_head"' not in line]
    assert [line for line in [*told, _attributes(cloud)] if caller.account in line] == []


def _attributes(cloud) -> str:
    """All that was sent of spans, whichever trace they belong to."""
    return cloud.state.traces.read_bytes().decode(errors="replace")
