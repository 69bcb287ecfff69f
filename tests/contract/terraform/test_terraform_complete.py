"""Manifests, Terraform, OpenAPI: no function lacks trigger, role, route, alert, runbook, docs or page."""

from __future__ import annotations

import ast
import json
import re

import pytest
import yaml

from shared.core.metrics import Metric
from shared.edge.manifest import Manifest, load_all
from tests.contract.terraform.conftest import ROOT
from tools.capabilities import capabilities
from tools.hcl import TERRAFORM

MANIFESTS = load_all(ROOT / "functions")
METRICS = yaml.safe_load((TERRAFORM / "metrics.yaml").read_text(encoding="utf-8"))
CHARTS = yaml.safe_load((TERRAFORM / "charts.yaml").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((TERRAFORM / "alerts.yaml").read_text(encoding="utf-8"))
RUNBOOKS = ROOT / "docs" / "operations" / "runbooks"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]


def gaps(
    m: Manifest,
    derived: dict[str, object],
    paths: dict[str, object],
    alerts: dict[str, object],
    page: str = PAGE,
) -> list[str]:
    """What a function lacks."""
    found = []
    triggers = {
        "http": [route for route in derived["routes"] if route["function"] == m.name],
        "storage": [m.name]
        if m.name in derived["notifications"] and m.service in derived["subscriptions"]
        else [],
        "pubsub": [s for s in derived["subscriptions"].values() if s["function"] == m.name],
        "task": [queue for queue in derived["queues"].values() if queue["function"] == m.name],
        "schedule": [service for service in derived["schedules"] if service == m.service],
    }
    triggers["stream"] = triggers["http"]
    made = derived["functions"].get(m.name)
    if not triggers[m.kind]:
        found.append("trigger")
    if made is None or not made["roles"] or not (made["public"] or made["invoker"]):
        found.append("role")
    if m.public and not [path for path in paths if m.covers(path)]:
        found.append("route")
    watching = [alert for alert in alerts.values() if m.kind in alert["covers"]]
    if not watching:
        found.append("alert")
    if not all((RUNBOOKS / f"{alert['runbook']}.md").is_file() for alert in watching):
        found.append("runbook")
    if not re.search(rf"\b{m.name}\b", page):
        found.append("page")
    if not ast.get_docstring(
        ast.parse((ROOT / "functions" / m.name / "main.py").read_text(encoding="utf-8"))
    ):
        found.append("description")
    return found


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_lacks_nothing(derived, name):
    assert gaps(MANIFESTS[name], derived, PATHS, ALERTS) == []


@pytest.mark.parametrize(
    ("name", "taken", "missing"),
    [
        ("jobs", "routes", "trigger"),
        ("on_upload", "notifications", "trigger"),
        ("on_job_event", "subscriptions", "trigger"),
        ("process_image", "queues", "trigger"),
        ("sweep", "schedules", "trigger"),
        ("sweep", "functions", "role"),
    ],
)
def test_a_gap_is_noticed(derived, name, taken, missing):
    without = {**derived, taken: type(derived[taken])()}
    assert missing in gaps(MANIFESTS[name], without, PATHS, ALERTS)
    assert "alert" in gaps(MANIFESTS[name], derived, PATHS, {})
    unread = {title: {**alert, "runbook": "nowhere"} for title, alert in ALERTS.items()}
    assert gaps(MANIFESTS[name], derived, PATHS, unread) == ["runbook"]
    assert gaps(MANIFESTS[name], derived, PATHS, ALERTS, page="") == ["page"]
    assert ("route" in gaps(MANIFESTS[name], derived, {}, ALERTS)) == MANIFESTS[name].public


def test_every_described_path_is_routed_to_one_function(derived):
    routed = {route["path"]: route["function"] for route in derived["routes"]}
    for path in PATHS:
        assert [m.name for m in MANIFESTS.values() if m.covers(path)], f"{path} is described and not routed"
    assert {m.name for m in MANIFESTS.values() if m.public} == set(routed.values())


def test_what_the_manifests_make_is_what_terraform_makes_things_of(root_module):
    """The resources repeat over the outputs that the other tests compare with the manifests."""
    repeated = {
        f"{kind}.{name}": bodies[0].get("for_each")
        for kind, named in root_module["resource"].items()
        for name, bodies in named.items()
    }
    assert root_module["module"]["function"][0]["for_each"] == "${module.manifests.functions}"
    assert repeated["google_storage_bucket_object.bundle"] == "${module.manifests.functions}"
    assert repeated["google_pubsub_topic.topic"] == "${toset(values(module.manifests.topics))}"
    assert repeated["google_pubsub_subscription.push"] == "${module.manifests.subscriptions}"
    assert repeated["google_storage_notification.finalized"] == "${module.manifests.notifications}"
    assert repeated["google_cloud_tasks_queue.queue"] == "${module.manifests.queues}"
    assert repeated["google_cloud_scheduler_job.call"] == "${module.manifests.schedules}"
    assert repeated["google_sql_user.function"] == "${module.manifests.database_users}"
    for kind in ("google_compute_region_network_endpoint_group", "google_compute_backend_service"):
        assert repeated[f"{kind}.function"] == "${local.public}"


def test_no_url_comes_from_what_is_made(root_module):
    """Else functions, queues and subscriptions would need each other before any of them is there."""
    assert "service_config" not in json.dumps(root_module)
    assert ".uri" not in json.dumps(root_module)


def test_metrics_are_those_that_the_program_writes():
    assert set(METRICS["code"]) == {str(metric) for metric in Metric}
    written: dict[str, set[str]] = {}
    valued = set()
    for path in sorted((ROOT / "shared").rglob("*.py")):
        for call in (
            n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
        ):
            metric = call.args[0] if call.args else None
            if isinstance(metric, ast.Attribute) and getattr(metric.value, "id", "") == "Metric":
                name = Metric[metric.attr].value
                written.setdefault(name, set()).update(k.arg for k in call.keywords if k.arg)
                valued |= {name} if len(call.args) > 1 else set()
    assert {name: set(metric["labels"]) for name, metric in METRICS["code"].items()} == written
    assert {name for name, metric in METRICS["code"].items() if metric["kind"] == "distribution"} == valued


def test_alerts_look_at_metrics_that_exist():
    known = {*METRICS["code"], *METRICS["platform"]}
    for name, alert in ALERTS.items():
        assert set(alert) == {"title", "covers", "query", "for", "severity", "runbook", "text"}, name
        looked_at = re.findall(r"logging_googleapis_com:user_(\w+)", alert["query"])
        assert {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in looked_at} <= known, name
        assert alert["query"].count("(") == alert["query"].count(")"), name
    assert {kind for alert in ALERTS.values() for kind in alert["covers"]} >= {
        m.kind for m in MANIFESTS.values()
    }


def test_every_metric_is_drawn_or_watched():
    text = json.dumps([ALERTS, CHARTS])
    assert [m for m in {**METRICS["code"], **METRICS["platform"]} if f"user_{m}" not in text] == []
    for name, chart in CHARTS.items():
        assert set(chart) == {"title", "query"}, name
        looked_at = re.findall(r"logging_googleapis_com:user_(\w+)", chart["query"])
        bare = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in looked_at}
        assert bare <= {*METRICS["code"], *METRICS["platform"]}, name


def test_a_distribution_is_asked_for_as_one():
    """A log-based distribution has `_count`, `_sum` and `_bucket`, and no series of its bare name."""
    kinds = {name: metric["kind"] for name, metric in METRICS["code"].items()}
    queries = [each["query"] for each in [*ALERTS.values(), *CHARTS.values()]]
    for metric in re.findall(r"logging_googleapis_com:user_(\w+)", " ".join(queries)):
        bare = re.sub(r"_(bucket|count|sum)$", "", metric)
        if bare in kinds:
            assert (kinds[bare] == "distribution") == (bare != metric), metric


def test_metrics_that_mean_trouble_have_an_alert():
    text = json.dumps(ALERTS)
    wanted = {
        "outbox_age",
        "books_wrong",
        "work_undone",
        "webhooks_dead",
        "provider_calls",
        "rate_limit_open",
        "selftests",
    }
    assert {metric for metric in wanted if f"user_{metric}" not in text} == set()


def test_services_are_turned_on_for_what_functions_use(root_module):
    apis = next(part["apis"] for part in root_module["locals"] if "apis" in part)
    needed = {"database": "sqladmin", "cache": "redis", "tasks": "cloudtasks", "events": "pubsub"}
    needed |= {"vision": "vision", "translation": "translate", "uploads": "storage"}
    assert {api for word, api in needed.items() if word in capabilities().words} <= set(apis)
