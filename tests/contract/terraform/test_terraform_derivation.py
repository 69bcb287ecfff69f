"""What Terraform makes of the manifests is what the program, the local cloud and the tests make of them."""

from __future__ import annotations

from typing import Any

import pytest

from local.gateway.invokers import EVENTS, INVOKERS, SCHEDULES, TASKS
from local.gateway.routes import RouteTable
from local.services.environment import Addresses
from local.services.wiring import wiring
from shared.core import config
from shared.core.names import function_url, service_name
from shared.db.migrate import APP, ERASER, SYSTEM
from shared.edge.manifest import Manifest, load_all
from tests.contract.terraform.conftest import NUMBER, PROJECT, REGION, ROOT, SETTINGS
from tools.capabilities import capabilities
from tools.migrate import database_users

MANIFESTS = load_all(ROOT / "functions")
LOCAL = wiring(MANIFESTS, Addresses(*range(1, 10)), None)
TEMPLATE = f"https://{{function}}-{NUMBER}.{REGION}.run.app"
INVOKER = {EVENTS: "events", TASKS: "tasks", SCHEDULES: "schedules"}


def _email(account: str) -> str:
    return f"{account}@{PROJECT}.iam.gserviceaccount.com"


def _grants(m: Manifest) -> list[Any]:
    return [capabilities().always, *(capabilities().words[str(word)] for word in m.uses)]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_runs_as_its_manifest_says(derived, name):
    m, made = MANIFESTS[name], derived["functions"][name]
    assert made["service"] == m.service
    assert made["url"] == function_url(TEMPLATE, name)
    assert (made["runtime"], made["memory"], float(made["cpu"])) == (m.runtime, m.memory, m.cpu)
    assert (made["concurrency"], made["timeout"]) == (m.concurrency, m.timeout_seconds)
    assert (made["min_instances"], made["max_instances"]) == (m.min_instances, m.max_instances)
    assert made["public"] == m.public
    invoker = None if m.public else _email(f"{INVOKER[INVOKERS[m.kind]]}-invoker")
    assert made["invoker"] == invoker


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_may_do_and_see_what_uses_names_and_nothing_else(derived, name):
    m, made = MANIFESTS[name], derived["functions"][name]
    roles = {(role.in_project(PROJECT), role.on) for grant in _grants(m) for role in grant.roles}
    assert sorted((r["role"], r["on"]) for r in made["roles"]) == sorted(roles)
    assert set(made["secrets"]) == {secret for grant in _grants(m) for secret in grant.secrets}
    visible = {*capabilities().manifest, *(s for g in _grants(m) for s in (*g.env, *g.cloud))}
    assert set(made["env"]) <= visible
    assert not set(made["env"]) & {s for grant in capabilities().words.values() for s in grant.secrets}
    required = {
        field.upper()
        for group in config.Settings.__subclasses__()
        for field, about in group.model_fields.items()
        if about.is_required()
    }
    assert required & visible <= set(made["env"]), "a setting without a default has no value"


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_settings_are_those_that_the_program_reads(derived, name):
    m, env = MANIFESTS[name], derived["functions"][name]["env"]
    account = derived["functions"][name]["account"]
    assert 6 <= len(account) <= 30
    assert env["FUNCTION_URL"] == TEMPLATE
    assert env["THREADS"] == env["CONCURRENCY"] == str(m.threads)
    for caller in ("tasks", "events", "schedules"):
        assert env[f"{caller.upper()}_INVOKER"] == _email(f"{caller}-invoker")
    if "TASK_DEADLINES" in env:
        deadlines = {n: each.dispatch_deadline for n, each in MANIFESTS.items() if each.kind == "task"}
        assert config.ChannelSettings(task_deadlines=env["TASK_DEADLINES"]).task_deadlines == deadlines
    if "DATABASE_USER" in env:
        assert env["DATABASE_USER"] == derived["database_users"][name]["user"] == f"{account}@{PROJECT}.iam"
    if "SIGNER_EMAIL" in env:
        assert env["SIGNER_EMAIL"] == _email(account)
    assert {k: env[k] for k in SETTINGS if k in env} == {k: v for k, v in SETTINGS.items() if k in env}


def test_each_function_that_uses_the_database_is_in_one_role(derived):
    named = {"database": APP, "database-system": SYSTEM, "database-eraser": ERASER}
    roles = {
        n: next(role for word, role in named.items() if word in m.uses)
        for n, m in MANIFESTS.items()
        if _reaches_database(m)
    }
    made = derived["database_users"]
    assert {name: each["role"] for name, each in made.items()} == roles
    assert {each["user"]: each["role"] for each in made.values()} == database_users(MANIFESTS, PROJECT)


def _reaches_database(m: Manifest) -> bool:
    return bool({"database", "database-system", "database-eraser"} & set(map(str, m.uses)))


def test_topics_and_subscriptions_are_those_of_the_local_cloud(derived):
    assert sorted(set(derived["topics"].values())) == LOCAL["topics"]
    expected = {
        each["name"]: (each["topic"], each["ack_deadline"], each["dead_letter"], each["attempts"])
        for each in LOCAL["subscriptions"]
    }
    made = derived["subscriptions"]
    assert {
        n: (s["topic"], s["ack_deadline"], s["dead_letter"], s["attempts"]) for n, s in made.items()
    } == expected
    for service, each in made.items():
        assert each["url"] == TEMPLATE.replace("{function}", service)
        assert each["invoker"] == _email("events-invoker")


def test_queues_are_those_of_the_manifests(derived):
    expected = {
        name: {
            "function": m.name,
            "rate": pace.rate,
            "concurrent": pace.concurrent,
            "attempts": m.queue_max_attempts,
            "min_backoff": m.queue.min_backoff,
            "max_backoff": m.queue.max_backoff,
        }
        for m in MANIFESTS.values()
        for name, pace in m.queues.items()
    }
    assert derived["queues"] == expected
    assert set(expected) == {queue["name"] for queue in LOCAL["queues"]}


def test_schedules_and_notifications_are_those_of_the_manifests(derived):
    assert derived["schedules"] == {
        m.service: {
            "cron": m.schedule,
            "url": function_url(TEMPLATE, m.name),
            "invoker": _email("schedules-invoker"),
            "deadline": m.dispatch_deadline,
        }
        for m in MANIFESTS.values()
        if m.kind == "schedule"
    }
    assert derived["notifications"] == {
        m.name: {"bucket": m.bucket, "topic": m.topic_name} for m in MANIFESTS.values() if m.kind == "storage"
    }


def test_functions_publish_only_to_topics_that_nobody_else_feeds(derived):
    assert derived["published"] == [service_name("on_job_event")]
    assert derived["dead_letters"] == service_name("on_dead_letter")


def test_the_load_balancer_routes_as_the_local_gateway_does(derived):
    """The first rule that fits decides there, the most specific template here."""
    pairs = [(route["path"], route["function"]) for route in derived["routes"]]
    assert sorted(pairs) == sorted((path, m.name) for m in MANIFESTS.values() for path in m.paths)
    table = RouteTable(pairs)
    for path, _ in pairs:
        sample = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        first = next(f for template, f in pairs if RouteTable([(template, f)]).find(sample))
        assert first == table.find(sample).function


def test_secrets_are_those_that_functions_take(derived):
    assert set(derived["secrets"]) == {s for m in MANIFESTS.values() for g in _grants(m) for s in g.secrets}
