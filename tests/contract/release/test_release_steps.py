"""A release against Cloud Run's API on loopback: pin, smoke, steps, roll back, and going on after a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from shared.edge.manifest import load_all
from tests.contract.release.run_admin import NUMBER, PROJECT, REGION, RunAdmin, serving
from tools.release.cloud import Cloud, CloudRefused, Place
from tools.release.release import Pace, ProofFailed, Release

ROOT = Path(__file__).resolve().parents[3]
MANIFESTS = {n: m for n, m in load_all(ROOT / "functions").items() if n in ("jobs", "docs", "process_image")}
PATHS = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]


@pytest.fixture
def api():
    api = RunAdmin(MANIFESTS)
    with serving(api):
        for manifest in MANIFESTS.values():
            api.deploy(manifest.service)
        yield api


class Crash(BaseException):
    """The machine of the release goes away."""


@pytest.fixture
def release(api):
    def make(sleep=lambda seconds: None, **pace):
        place = Place(PROJECT, NUMBER, REGION, *[api.address] * 3)
        cloud = Cloud(place, requests.Session(), requests.Session(), sleep)
        said: list[str] = []
        made = Release(cloud, MANIFESTS, PATHS, Pace(**{"watch_seconds": 0} | pace), said.append)
        made.said = said
        return made

    return make


def deploy(api, *names):
    return {name: api.deploy(name) for name in names or [m.service for m in MANIFESTS.values()]}


def served(api, name):
    return {key.partition(" ")[0]: percent for key, percent in api.shares(name).items() if percent}


def test_pinned_services_do_not_move_when_something_is_deployed(api, release):
    release().pin()
    deploy(api)
    for name in api.services:
        assert api.shares(name) == {f"{name}-00001-abc stable": 100}


def test_pinning_twice_changes_nothing(api, release):
    release().pin()
    before = list(api.history)
    release().pin()
    assert api.history == before


def test_a_release_moves_workers_at_once_and_the_public_in_steps(api, release):
    release().pin()
    new = deploy(api)
    assert release().run()
    moves = [(name, shares.get(f"{new[name]} candidate")) for name, shares in api.history[3:]]
    assert sorted(moves[:3]) == [("docs", 0), ("jobs", 0), ("process-image", 0)]
    assert moves[3] == ("process-image", 100)
    assert sorted(moves[4:12]) == sorted((n, p) for n in ("docs", "jobs") for p in (5, 25, 50, 100))
    assert [p for n, p in moves[4:12] if n == "jobs"] == [5, 25, 50, 100]
    for name, revision in new.items():
        assert api.shares(name) == {f"{revision} stable": 100}


def test_what_did_not_change_is_left_alone(api, release):
    release().pin()
    new = deploy(api, "jobs")
    before = len(api.history)
    assert release().run()
    assert {name for name, _ in api.history[before:]} == {"jobs"}
    assert {revision for revision, _, _ in api.asked} == {new["jobs"]}


def test_revisions_are_asked_before_they_get_any_traffic(api, release):
    release().pin()
    new, asked = deploy(api), []
    tagged = len(api.history) + len(new)
    api.before_patch = lambda name: asked.extend(api.asked) if len(api.history) == tagged else None
    assert release().run()
    assert {revision for revision, _, _ in asked} == set(new.values())
    assert (new["process-image"], "GET", "/") in asked
    assert (new["docs"], "GET", "/v1/readyz") in asked
    assert (new["jobs"], "GET", "/v1/jobs") in asked
    assert {audience for _, audience in api.tokens} == {api.url("process-image")}


def test_a_revision_that_does_not_answer_gets_no_traffic_and_nor_do_the_others(api, release):
    release().pin()
    new = deploy(api)
    api.answers[new["jobs"]] = 503
    first = release()
    assert not first.run()
    assert any("503" in sentence for sentence in first.said)
    for name in api.services:
        assert served(api, name) == {f"{name}-00001-abc": 100}
        assert max(shares.get(f"{new[name]} candidate", 0) for n, shares in api.history if n == name) == 0
    assert not release().run(), "what was rejected is not tried again"


def test_errors_at_some_share_of_the_traffic_take_everything_back(api, release):
    release().pin()
    new = deploy(api)

    def fail_at_a_quarter(name):
        if api.shares("jobs").get(f"{new['jobs']} candidate") == 25:
            api.calls[new["jobs"]] = (400, 20)

    api.before_patch = fail_at_a_quarter
    released = release()
    assert not released.run()
    assert any("20 of 420" in sentence for sentence in released.said)
    assert max(shares.get(f"{new['jobs']} candidate", 0) for _, shares in api.history) < 100
    for name in api.services:
        assert api.shares(name) == {f"{name}-00001-abc stable": 100, f"{new[name]} rejected": 0}


def test_a_few_errors_are_within_the_budget(api, release):
    release().pin()
    new = deploy(api)
    api.calls[new["jobs"]] = (400, 2)
    assert release().run()


def test_a_revision_whose_errors_cannot_be_seen_is_not_trusted(api, release, monkeypatch):
    release().pin()
    deploy(api)
    monkeypatch.setattr(RunAdmin, "query", lambda self, promql: {"status": "error"})
    assert not release().run()
    assert {name: served(api, name) for name in api.services} == {
        name: {f"{name}-00001-abc": 100} for name in api.services
    }


def test_a_revision_that_cannot_start_is_taken_back(api, release):
    release().pin()
    deploy(api, "docs")
    api.deploy("jobs", ready=False)
    assert not release().run()
    assert served(api, "docs") == {"docs-00001-abc": 100}


def test_after_a_fix_the_functions_that_were_not_at_fault_are_tried_again(api, release):
    release().pin()
    bad = deploy(api, "jobs", "docs")
    api.answers[bad["jobs"]] = 500
    assert not release().run()
    release().pin()
    good = deploy(api, "jobs")
    assert release().run()
    assert served(api, "docs") == {bad["docs"]: 100}
    assert served(api, "jobs") == {good["jobs"]: 100}


def crash_when(api, release, due):
    """Let the release die before the change of traffic for which `due(service, traffic)` is true."""
    change = release._cloud.set_traffic

    def set_traffic(service, traffic):
        if due(service, traffic):
            raise Crash
        change(service, traffic)

    release._cloud.set_traffic = set_traffic


@pytest.mark.parametrize("changes", range(14))
def test_a_release_goes_on_where_it_was_interrupted(api, release, changes):
    release().pin()
    pins, new = len(api.history), deploy(api)
    interrupted = release()
    crash_when(api, interrupted, lambda service, traffic: len(api.history) == pins + changes)
    with pytest.raises(Crash):
        interrupted.run()
    before = len(api.history)
    assert release().run()
    for name, revision in new.items():
        assert api.shares(name) == {f"{revision} stable": 100}
        reached = _candidates_shares(api.history[:before], name, revision)
        assert all(
            share >= max(reached, default=0)
            for share in _candidates_shares(api.history[before:], name, revision)
        )


def _candidates_shares(history, name, revision):
    """What a revision got as candidate, or at last as stable, in the order of changes."""
    changes = [shares for changed, shares in history if changed == name]
    return [p for s in changes for key, p in s.items() if key.startswith(revision)]


def test_a_release_that_was_interrupted_while_going_back_goes_on_back(api, release):
    release().pin()
    new = deploy(api)
    api.answers[new["jobs"]] = 500
    interrupted = release()
    crash_when(
        api, interrupted, lambda s, traffic: s.name != "docs" and any(t.tag == "rejected" for t in traffic)
    )
    with pytest.raises(Crash):
        interrupted.run()
    del api.answers[new["jobs"]]
    assert not release().run()
    assert {n: served(api, n) for n in new} == {n: {f"{n}-00001-abc": 100} for n in new}


def test_a_service_that_somebody_else_changes_meanwhile_is_looked_at_again(api, release):
    release().pin()
    deploy(api)
    raced = []

    def touch(name):
        if not raced:
            raced.append(name)
            api._touch(name)

    api.before_patch = touch
    assert release().run()


def test_what_passes_is_tried_again_and_what_does_not_is_told(api, release):
    answers = [503, 429, None]
    api.before_patch = lambda name: answers.pop(0) if answers else None
    release().pin()
    assert answers == []
    api.before_patch = lambda name: 403
    deploy(api)
    with pytest.raises(CloudRefused, match="403"):
        release().run()


def test_a_function_that_is_new_is_asked_and_then_pinned(api, release):
    release().pin()
    del api.services["docs"]
    fresh = api.deploy("docs")
    assert release().run()
    assert api.shares("docs") == {f"{fresh} stable": 100}
    assert (fresh, "GET", "/v1/readyz") in api.asked


def test_taking_back_by_hand(api, release):
    release().pin()
    new = deploy(api)
    interrupted = release()
    crash_when(
        api, interrupted, lambda service, traffic: api.shares("jobs").get(f"{new['jobs']} candidate") == 25
    )
    with pytest.raises(Crash):
        interrupted.run()
    release().take_back()
    assert {n: served(api, n) for n in new} == {n: {f"{n}-00001-abc": 100} for n in new}


def test_a_release_has_settled_when_nothing_else_serves(api, release):
    release().pin()
    assert release().settled()
    deploy(api, "jobs")
    undecided = release()
    assert not undecided.settled()
    assert undecided.said == ["jobs: jobs-00002-abc serves 0%"]
    assert release().run()
    assert release().settled()


def test_where_traffic_is_not_pinned_every_function_is_asked_once(api, release):
    release().smoke()
    assert {r.rpartition("-")[0] for r, _, _ in api.asked} == {f"{n}-00001" for n in api.services}
    api.answers["jobs-00001-abc"] = 500
    with pytest.raises(ProofFailed, match="jobs"):
        release().smoke()
