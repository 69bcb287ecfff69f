"""An account's export through the gateway: ordered, made in the background, fetched, erased."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256

import pytest
import requests

from local.testing import until

pytestmark = pytest.mark.cloud


def test_an_owner_gets_everything_in_a_zip_file(new_caller, draw):
    ann = new_caller(credits=1000)
    job = ann.ended(ann.send(draw(), name="Menü.png").json()["id"])
    ordered = ann.call("POST", "/v1/account/exports", json={}, headers={"Idempotency-Key": "once"})
    assert ordered.status_code == 202, ordered.text
    path = ordered.headers["Location"]
    again = ann.call("POST", "/v1/account/exports", json={}, headers={"Idempotency-Key": "once"})
    assert again.json() == ordered.json()
    until(lambda: ann.call("GET", path).json()["state"] == "done", 60)
    done = ann.call("GET", path).json()
    url = ann.call("GET", f"{path}/file").json()["url"]
    fetched = requests.get(url, timeout=20)
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert (sha256(fetched.content).hexdigest(), len(fetched.content)) == (done["sha256"], done["bytes"])
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as read:
        assert read.testzip() is None
        names = read.namelist()
        assert {f"jobs/{job['id']}/source.png", f"jobs/{job['id']}/es.png"} <= set(names)
        assert json.loads(read.read("jobs.jsonl"))["name"] == "Menü.png"
        assert "wet floor" in read.read("scenes.jsonl").decode()
        assert ann.key.encode() not in b"".join(read.read(name) for name in names)
    audit = ann.call("GET", "/v1/account/audit").json()["entries"]
    assert [each["action"] for each in audit[:2]] == ["export.fetched", "export.ordered"]
    assert ann.call("DELETE", path).status_code == 204
    until(lambda: ann.objects(f"exports/{ann.account}/") == [], 20)
    assert ann.call("GET", path).status_code == 404
