"""Every way in ends in a translated picture with its scene and receipt beside it."""

from __future__ import annotations

import io
import time

import pytest
import requests
from PIL import Image

from local.testing import until

pytestmark = pytest.mark.cloud


def _expect_results(caller, job, prefix):
    names = until(lambda: len(caller.objects(prefix)) == 3 and caller.objects(prefix), 20)
    assert [name.removeprefix(prefix) for name in names] == ["es.png", "receipt.json", "scene.json"]
    outputs = caller.call("GET", f"/v1/jobs/{job['id']}/outputs").json()["outputs"]
    picture = next(o for o in outputs if o["kind"] == "picture")
    image = Image.open(io.BytesIO(requests.get(picture["url"], timeout=10).content))
    assert image.format == "PNG"
    assert image.size == (640, 200)
    scene = caller.call("GET", f"/v1/scenes/{job['id']}").json()
    assert [b["text"] for b in scene["blocks"]] == ["Caution: wet floor"]
    assert [b["translations"]["es"]["text"] for b in scene["blocks"]] == ["Precaución: piso mojado"]


def test_multipart(caller, draw):
    reply = caller.send(draw())
    assert reply.status_code == 201
    job = caller.ended(reply.json()["id"])
    assert job["state"] == "completed"
    _expect_results(caller, job, f"results/{caller.account}/{job['id']}/")


def test_signed_put(caller, draw):
    job = caller.order(name="sign.png")
    put = job["upload"]["put"]
    assert requests.put(put["url"], data=draw(), headers=put["headers"], timeout=10).status_code == 200
    assert caller.ended(job["id"])["state"] == "completed"
    _expect_results(caller, job, f"results/{caller.account}/{job['id']}/")


def test_resumable_upload_in_two_parts(caller, draw):
    job = caller.order()
    data = draw() + b"\0" * (300 * 1024)
    start = job["upload"]["resumable"]
    opened = requests.post(start["url"], headers=start["headers"], timeout=10)
    session, half = opened.headers["Location"], 256 * 1024
    part = {"Content-Range": f"bytes 0-{half - 1}/{len(data)}"}
    assert requests.put(session, data=data[:half], headers=part, timeout=10).status_code == 308
    rest = {"Content-Range": f"bytes {half}-{len(data) - 1}/{len(data)}"}
    assert requests.put(session, data=data[half:], headers=rest, timeout=10).status_code == 200
    assert caller.ended(job["id"])["state"] == "completed"
    _expect_results(caller, job, f"results/{caller.account}/{job['id']}/")


def test_inbox(caller, draw):
    path = f"en-es/{time.time_ns()}/sign.png"
    caller.drop(path, draw())
    prefix = f"results/{caller.account}/{path}/"
    until(lambda: len(caller.objects(prefix)) == 3, 60)
    job = next(j for j in caller.call("GET", "/v1/jobs").json()["jobs"] if j["state"] == "completed")
    _expect_results(caller, job, prefix)


def test_a_signed_upload_is_for_one_object_once(caller, draw):
    put = caller.order()["upload"]["put"]
    assert requests.put(put["url"], data=draw(), headers=put["headers"], timeout=10).status_code == 200
    again = requests.put(put["url"], data=draw(), headers=put["headers"], timeout=10)
    assert again.status_code == 412
    moved = put["url"].replace("/source?", "/other?")
    assert requests.put(moved, data=draw(), headers=put["headers"], timeout=10).status_code == 403


def test_results_trigger_nothing(caller, draw):
    job = caller.ended(caller.send(draw()).json()["id"])
    count = len(caller.call("GET", "/v1/jobs?limit=100").json()["jobs"])
    until(lambda: len(caller.objects(f"results/{caller.account}/{job['id']}/")) == 3)
    time.sleep(1)
    assert len(caller.call("GET", "/v1/jobs?limit=100").json()["jobs"]) == count
