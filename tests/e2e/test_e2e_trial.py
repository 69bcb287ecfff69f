"""A visitor without an account, from a picture sent without a credential to its translation."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time

import pytest
import requests
from PIL import Image

from local.seed import open_account
from local.state import REPOSITORY
from local.testing import until
from shared.auth.api_keys import new_key

from .conftest import ENDED

pytestmark = pytest.mark.cloud

TOKEN = new_key("trial")
FIELDS = {"targets": "es", "source_language": "en"}
SERVE = "from functions_framework._cli import _cli; _cli()"


class Deployment:
    """The function `jobs` of the cloud once more, with a trial, and its caller as the load balancer."""

    def __init__(self, cloud):
        pepper = cloud.state.secret("pepper")
        self.operator = open_account(cloud.connection["superuser_url"], pepper, "Trial")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        source = REPOSITORY / "functions" / "jobs" / "main.py"
        command = ["--source", str(source), "--target", "jobs", "--port", str(port), "--host", "127.0.0.1"]
        settings = {"TRIAL_ACCOUNT": self.operator.account, "CORS_ORIGINS": "https://app.example"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *command],
            env={**cloud.environment("jobs"), **settings, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, 30)

    def _answers(self):
        try:
            return requests.get(self.url, timeout=5).status_code == 404
        except requests.ConnectionError:
            return False

    def call(self, method, path, token=None, address="203.0.113.1", headers=(), **how):
        """One request that came from `address`."""
        shown = {"X-Forwarded-For": address, **dict(headers)}
        if token is not None:
            shown["Authorization"] = f"Bearer {token}"
        return requests.request(method, self.url + path, headers=shown, timeout=60, **how)

    def send(self, picture, **how):
        """Send a picture."""
        return self.call("POST", "/v1/jobs", data=FIELDS, files={"file": ("sign.png", picture)}, **how)


@pytest.fixture(scope="module")
def trial(cloud):
    deployment = Deployment(cloud)
    yield deployment
    deployment.process.terminate()
    deployment.process.wait(10)


def blank(number):
    """A picture with nothing to read in it."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (number, number, 255)).save(file, "PNG")
    return file.getvalue()


def ended(trial, job, token):
    deadline = time.monotonic() + 90
    while (found := trial.call("GET", f"/v1/jobs/{job}", token).json())["state"] not in ENDED:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_a_visitor_gets_a_picture_back_that_no_other_visitor_sees(trial, cloud, caller, draw):
    sent = trial.send(draw())
    assert sent.status_code == 201, sent.text
    job, token = sent.json()["id"], sent.headers["X-Trial-Token"]
    assert token not in sent.text
    assert ended(trial, job, token)["state"] == "completed"
    outputs = trial.call("GET", f"/v1/jobs/{job}/outputs", token).json()["outputs"]
    url = next(output["url"] for output in outputs if output["kind"] == "picture")
    assert Image.open(io.BytesIO(requests.get(url, timeout=10).content)).size == (640, 200)

    other = trial.send(blank(1)).headers["X-Trial-Token"]
    reads = [("GET", f"/v1/jobs/{job}"), ("GET", f"/v1/jobs/{job}/outputs"), ("DELETE", f"/v1/jobs/{job}")]
    for shown, status in ((other, 404), (new_key("trial"), 404), (None, 401), (caller.key, 404)):
        for method, path in reads:
            assert trial.call(method, path, shown).status_code == status, (path, status)
    theirs = caller.order()["id"]
    assert trial.call("GET", f"/v1/jobs/{theirs}", token).status_code == 404
    beyond = [("GET", "/v1/jobs"), ("POST", f"/v1/jobs/{job}/retry"), ("GET", f"/v1/jobs/{job}/receipt")]
    for method, path in beyond:
        refused = trial.call(method, path, token)
        assert (refused.status_code, refused.json()["type"][-9:]) == (403, "forbidden"), path
    assert trial.call("GET", f"/v1/jobs/{job}", trial.operator.api_key).status_code == 200
    assert cloud.request("GET", f"/v1/jobs/{job}", key=token).status_code == 401

    assert trial.call("DELETE", f"/v1/jobs/{job}", token).status_code == 204
    assert trial.call("GET", f"/v1/jobs/{job}", token).status_code == 404
    assert trial.call("GET", f"/v1/jobs/{job}", trial.operator.api_key).status_code == 404


def test_a_network_is_refused_its_fourth_picture_whatever_it_says_of_its_address(trial):
    places = [f"10.0.0.{n}, 198.51.100.{n}" for n in range(4)]
    *taken, refused = [trial.send(blank(10 + n), address=place) for n, place in enumerate(places)]
    assert [reply.status_code for reply in taken] == [201] * 3
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (429, "trial-used-up")
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400


def test_a_visitor_who_asks_again_with_the_same_key_gets_the_same_job(trial):
    once = {"address": "192.0.2.200", "headers": {"Idempotency-Key": "mine"}}
    first, again = (trial.send(blank(30), token=TOKEN, **once) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    other = trial.send(blank(30), token=new_key("trial"), **once)
    assert other.json()["id"] != first.json()["id"]
    assert "X-Trial-Token" not in first.headers


def test_more_than_a_trial_takes_and_other_sites_pages_are_refused(trial):
    ordered = trial.call("POST", "/v1/jobs", json={"targets": ["es"]}, address="192.0.2.1")
    assert (ordered.status_code, ordered.json()["type"].rpartition("/")[2]) == (403, "beyond-trial")
    foreign = trial.send(blank(20), address="192.0.2.1", headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert "X-Trial-Token" not in foreign.headers
    ours = trial.send(blank(21), address="192.0.2.1", headers={"Origin": "https://app.example"})
    assert ours.status_code == 201
    assert "X-Trial-Token" in ours.headers["Access-Control-Expose-Headers"]
