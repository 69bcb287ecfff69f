"""What a release asks of each function, and that the functions answer so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from local.gateway.invokers import INVOKERS
from shared.edge.manifest import load_all
from tools.hcl import TERRAFORM
from tools.release import budget
from tools.release.budget import Calls
from tools.release.cloud import Cloud, Place
from tools.release.smoke import questions

ROOT = Path(__file__).resolve().parents[3]
MANIFESTS = load_all(ROOT / "functions")
PATHS = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]


class Tokens:
    """Gives what IAM Credentials would: an identity token of the invoker's, by the local cloud's key."""

    def __init__(self, cloud, manifest):
        self.cloud, self.manifest = cloud, manifest

    def request(self, method, url, **given):
        answer = requests.Response()
        token = self.cloud.token(self.manifest.service, INVOKERS[self.manifest.kind])
        answer.status_code, answer._content = 200, json.dumps({"token": token}).encode()
        return answer


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_function_answers_what_a_release_asks(cloud, name):
    manifest = MANIFESTS[name]
    url = cloud.gateway if manifest.public else cloud.function_url(manifest.service)
    asking = Cloud(Place("p", "1", "r"), Tokens(cloud, manifest), requests.Session(), lambda seconds: None)
    asked = questions(manifest, PATHS)
    assert asked
    assert [wrong for question in asked if (wrong := asking.ask(name, url, question))] == []


def test_a_worker_is_asked_in_the_name_of_who_calls_it():
    invokers = {m.kind: {q.invoker for q in questions(m, PATHS)} for m in MANIFESTS.values()}
    assert invokers["task"] == {"tasks-invoker"}
    assert invokers["schedule"] == {"schedules-invoker"}
    assert invokers["storage"] == invokers["pubsub"] == {"events-invoker"}
    assert invokers["http"] == {None}


@pytest.mark.parametrize(
    ("calls", "breach"),
    [
        (Calls(0, 0), False),
        (Calls(10, 2), False),
        (Calls(10, 3), True),
        (Calls(1000, 14), False),
        (Calls(1000, 15), True),
    ],
)
def test_the_budget_burns_too_fast_where_the_fast_alert_would_fire(calls, breach):
    assert calls.breach is breach


def test_the_budget_is_the_one_that_is_alerted_on():
    text = (TERRAFORM / "monitoring.tf").read_text(encoding="utf-8")
    assert f"goal                = {budget.OBJECTIVE}" in text
    assert f"rate = {budget.BURN}, severity" in text
