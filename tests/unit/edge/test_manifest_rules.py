from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.core.config import Misconfigured
from shared.core.priority import Priority
from shared.edge.manifest import Manifest, load, load_all

DEFAULTS = {
    "runtime": "python311",
    "memory": "512Mi",
    "cpu": 1,
    "concurrency": 1,
    "timeout": "60s",
    "attempts": 8,
    "min_instances": 0,
    "max_instances": 20,
}
QUEUE = {"rate": 5, "concurrent": 10, "min_backoff": "10s", "max_backoff": "600s"}
HTTP = {"kind": "http", "paths": ["/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/{part}", "/v1/ping"]}
TASK = {"kind": "task", "queue": QUEUE}
PACE = {"rate": 5, "concurrent": 5}
LANES = {"interactive": PACE, "standard": PACE, "bulk": PACE}
BACKOFF = {"min_backoff": "10s", "max_backoff": "600s"}


def read(folder: Path, own: dict[str, Any], name: str = "process_image") -> Manifest:
    (folder / name).mkdir(exist_ok=True)
    (folder / "defaults.yaml").write_text(yaml.safe_dump(DEFAULTS))
    (folder / name / "function.yaml").write_text(yaml.safe_dump(own))
    return load(folder / name)


@pytest.mark.parametrize(
    "own",
    [
        HTTP,
        TASK,
        {"kind": "storage", "bucket": "uploads"},
        {"kind": "pubsub"},
        {"kind": "pubsub", "topic": "other-topic"},
        {"kind": "schedule", "schedule": "*/5 * * * *"},
        HTTP | {"cpu": 0.5, "concurrency": 1},
        HTTP | {"cpu": 2, "concurrency": 80, "memory": "4Gi", "timeout": "3600s"},
        TASK | {"timeout": "1800s"},
    ],
)
def test_what_each_kind_needs_is_accepted(tmp_path: Path, own: dict[str, Any]):
    assert read(tmp_path, own).kind == own["kind"]


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"kind": "cron"},
        {"kind": "http"},
        {"kind": "task"},
        {"kind": "storage"},
        {"kind": "schedule"},
        {"kind": "pubsub", "paths": ["/v1/x"]},
        {"kind": "pubsub", "bucket": "uploads"},
        {"kind": "storage", "bucket": "uploads", "topic": "other-topic"},
        HTTP | {"queue": QUEUE},
        HTTP | {"schedule": "* * * * *"},
        HTTP | {"cpu": 0.5, "concurrency": 2},
        HTTP | {"cpu": 3},
        HTTP | {"memory": "8Gi"},
        HTTP | {"memory": "1G"},
        HTTP | {"timeout": "3601s"},
        HTTP | {"timeout": "1m"},
        HTTP | {"timeout": 60},
        HTTP | {"timeout": "0s"},
        HTTP | {"concurrency": 0},
        HTTP | {"min_instances": 3, "max_instances": 2},
        HTTP | {"uses": ["databse"]},
        HTTP | {"uses": ["cache", "cache"]},
        HTTP | {"uses": ["database", "database-system"]},
        HTTP | {"runtime": "python312"},
        HTTP | {"name": "jobs"},
        HTTP | {"other": 1},
        HTTP | {"paths": []},
        HTTP | {"paths": ["v1/jobs"]},
        HTTP | {"paths": ["/v1/jobs/"]},
        HTTP | {"paths": ["/v1/{job_id}"]},
        HTTP | {"paths": ["/v1/jobs", "/v1/jobs/{a}", "/v1/jobs/{b}"]},
        TASK | {"timeout": "1801s"},
        TASK | {"queue": QUEUE | {"min_backoff": "601s"}},
        TASK | {"queue": {"rate": 5}},
        TASK | {"queue": BACKOFF},
        TASK | {"queue": QUEUE | {"priorities": LANES}},
        TASK | {"queue": BACKOFF | {"priorities": {"bulk": PACE}}},
        TASK | {"queue": BACKOFF | {"priorities": LANES | {"urgent": PACE}}},
        TASK | {"queue": BACKOFF | {"priorities": LANES}, "max_instances": 14},
        {"kind": "storage", "bucket": "uploads", "timeout": "541s"},
        {"kind": "pubsub", "attempts": 4},
        {"kind": "schedule", "schedule": "hourly"},
    ],
)
def test_what_the_cloud_would_refuse_is_refused(tmp_path: Path, own: dict[str, Any]):
    with pytest.raises(Misconfigured, match=r"function\.yaml"):
        read(tmp_path, own)


@pytest.mark.parametrize("text", ["[", "- a", "", "\x01"])
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str):
    read(tmp_path, HTTP)
    (tmp_path / "process_image" / "function.yaml").write_text(text)
    with pytest.raises(Misconfigured, match=r"process_image.function\.yaml"):
        load(tmp_path / "process_image")


def test_a_task_functions_facts_follow_from_its_manifest(tmp_path: Path):
    task = read(tmp_path, TASK | {"timeout": "300s", "concurrency": 20})
    assert (task.service, list(task.queues), task.topic_name) == ("process-image", ["process-image"], None)
    assert (task.threads, task.pool_size, task.public) == (20, 5, False)
    assert (task.attempts, task.queue_max_attempts) == (8, 9)
    assert task.dispatch_deadline == 300
    assert task.lease_seconds > task.dispatch_deadline + 60


def test_each_priority_has_a_queue_and_a_share_of_the_instances(tmp_path: Path):
    task = read(tmp_path, TASK | {"queue": BACKOFF | {"priorities": LANES}, "max_instances": 15})
    assert set(task.queues) == {f"process-image-{lane}" for lane in ("interactive", "standard", "bulk")}
    assert {pace.concurrent for pace in task.queues.values()} == {5}
    assert task.priority_of("process-image-bulk") is Priority.BULK
    assert task.priority_of("process-image") is None


def test_an_event_functions_topic_is_named_after_it(tmp_path: Path):
    stored = read(tmp_path, {"kind": "storage", "bucket": "uploads"}, "on_upload")
    assert (stored.topic_name, stored.queues) == ("on-upload", {})
    assert read(tmp_path, {"kind": "pubsub", "topic": "other"}, "on_x").topic_name == "other"


def test_a_bundle_has_its_defaults_beside_it_and_a_name_of_its_own(tmp_path: Path):
    (tmp_path / "defaults.yaml").write_text(yaml.safe_dump(DEFAULTS | {"attempts": 3}))
    (tmp_path / "function.yaml").write_text(yaml.safe_dump(TASK))
    found = load(tmp_path, name="process_image")
    assert (found.name, found.attempts) == ("process_image", 3)


def test_routes_are_relative_to_the_first_path_unless_they_are_paths(tmp_path: Path):
    jobs = read(tmp_path, HTTP, "jobs")
    assert jobs.absolute("/") == "/v1/jobs"
    assert jobs.absolute("/{job_id}") == "/v1/jobs/{job_id}"
    assert jobs.absolute("/v1/ping") == "/v1/ping"
    root = read(tmp_path, {"kind": "http", "paths": ["/", "/openapi.json"]}, "docs")
    assert (root.absolute("/"), root.absolute("/openapi.json")) == ("/", "/openapi.json")


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/v1/jobs", True),
        ("/v1/jobs/{id}", True),
        ("/v1/jobs/{id}/cancel", True),
        ("/v1/jobs/{id}/{target}", True),
        ("/v1/jobs/{id}/outputs/{n}", False),
        ("/v1/other", False),
        ("/v1/jobs/", False),
    ],
)
def test_the_load_balancer_must_know_every_route(tmp_path: Path, path: str, covered: bool):
    assert read(tmp_path, HTTP, "jobs").covers(path) is covered


def test_all_functions_are_found_by_name(tmp_path: Path):
    read(tmp_path, HTTP, "jobs")
    read(tmp_path, TASK)
    assert list(load_all(tmp_path)) == ["jobs", "process_image"]
