"""Everything that Terraform would make, in each environment: function x role x trigger x environment."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from shared.core.names import service_name
from shared.edge.manifest import Manifest, load_all
from tests.contract.terraform.conftest import NUMBER, PROJECT, REGION, ROOT
from tools.capabilities import capabilities
from tools.hcl import TERRAFORM

MANIFESTS = load_all(ROOT / "functions")
ENVIRONMENTS = sorted(path.stem for path in (TERRAFORM / "envs").glob("*.tfvars"))
QUEUES = {name for m in MANIFESTS.values() for name in m.queues}
KEY = "projects/k/locations/europe-west4/keyRings/r/cryptoKeys/c"
EVERYTHING = (
    f"cmek_key={KEY}",
    'cors_origins=["https://app.example.org"]',
    'alert_emails=["on-call@example.org"]',
    "billing_account=000000-000000-000000",
    "results_retention_seconds=3600",
    "identity_platform=true",
    'identity_domains=["app.example.org"]',
    'identity_oidc={acme={issuer="https://login.acme.example",client_id="imangor"}}',
    'settings={LOG_LEVEL="DEBUG"}',
    "secrets_version={KEY_PEPPER=2}",
)


def _of(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of a type, or of a type and a name."""
    return {a: asked for a, asked in plan.items() if re.search(rf"(^|\.){kind}(\.|\[)", a)}


def _email(account: str) -> str:
    return f"{account}@{PROJECT}.iam.gserviceaccount.com"


def _member(name: str) -> str:
    return "serviceAccount:" + _email(f"fn-{service_name(name)}")


def _places(on: str, name: str) -> set[str]:
    """What a role `on` something is given on, by name."""
    return {
        "project": {PROJECT},
        "queues": QUEUES,
        "topics": {service_name("on_job_event")},
        "redriven": {service_name("on_job_event"), service_name("on_upload")},
        "tasks-invoker": {f"projects/-/serviceAccounts/{_email('tasks-invoker')}"},
        "self": {f"projects/-/serviceAccounts/{_email('fn-' + service_name(name))}"},
        "uploads": {f"{PROJECT}-uploads"},
        "results": {f"{PROJECT}-results"},
        "vault": {"google_kms_crypto_key__vault.id"},
    }[on]


def _expected(m: Manifest) -> set[tuple[str, str]]:
    words = [capabilities().always, *(capabilities().words[str(word)] for word in m.uses)]
    roles = {
        (r.in_project(PROJECT), place)
        for word in words
        for r in word.roles
        for place in _places(r.on, m.name)
    }
    return roles | {("roles/secretmanager.secretAccessor", s) for word in words for s in word.secrets}


def _granted(plan: dict[str, Any], name: str) -> set[tuple[str, str]]:
    """Every role that a function's account gets anywhere, and where."""
    found = set()
    for address, asked in _of(plan, r"\w+_iam_member").items():
        if asked["member"] != _member(name):
            continue
        keys = ("bucket", "topic", "service_account_id", "crypto_key_id", "name", "project")
        place = next((asked[key] for key in keys if key in asked), None)
        if "secret_manager" in address:
            place = re.findall(r'\["(\w+)"\]$', address)[0]
        found.add((asked["role"], place))
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_function_has_its_account_roles_trigger_and_invoker(rehearse, environment):
    plan = rehearse(environment)
    for name, m in MANIFESTS.items():
        here = f'module.function["{name}"].'
        function = plan[f"{here}google_cloudfunctions2_function.function"]
        service = function["service_config"][0]
        assert service["service_account_email"] == _email(f"fn-{m.service}")
        assert _granted(plan, name) == _expected(m), name
        callers = {
            a["member"] for n, a in _of(plan, "google_cloud_run_service_iam_member").items() if here in n
        }
        assert callers == ({"allUsers"} if m.public else {f"serviceAccount:{_email(_invoker(m))}"})
        assert service["ingress_settings"] == (
            "ALLOW_INTERNAL_AND_GCLB" if m.public else "ALLOW_INTERNAL_ONLY"
        )
        assert function["build_config"][0]["entry_point"] == name
        secrets = {each["key"] for each in service["secret_environment_variables"]}
        assert secrets == {s for word in m.uses for s in capabilities().words[str(word)].secrets}
        assert not secrets & set(service["environment_variables"])
        assert _triggers(plan, m), name


def _invoker(m: Manifest) -> str:
    return {"task": "tasks-invoker", "schedule": "schedules-invoker"}.get(m.kind, "events-invoker")


def _triggers(plan: dict[str, Any], m: Manifest) -> list[Any]:
    url = f"https://{m.service}-{NUMBER}.{REGION}.run.app"
    if m.public:
        rules = plan["google_compute_url_map.edge"]["path_matcher"][0]["route_rules"]
        return [rule for rule in rules if _path(rule) in m.paths]
    if m.kind == "task":
        return [q for q in _of(plan, "google_cloud_tasks_queue").values() if q["name"] in m.queues]
    if m.kind == "schedule":
        jobs = _of(plan, "google_cloud_scheduler_job").values()
        return [
            j for j in jobs for t in j["http_target"] if t["uri"] == t["oidc_token"][0]["audience"] == url
        ]
    pushes = [s["push_config"][0] for s in _of(plan, "google_pubsub_subscription").values()]
    return [p for p in pushes if p["push_endpoint"] == p["oidc_token"][0]["audience"] == url]


def _path(rule: dict[str, Any]) -> str:
    (match,) = rule["match_rules"]
    (path,) = (value for value in match.values() if value is not None)
    return path.replace("=*}", "}")


def test_every_path_is_routed_in_order_and_within_what_a_rule_may_hold(rehearse):
    edge = rehearse("prod")["google_compute_url_map.edge"]["path_matcher"][0]
    rules = edge["route_rules"]
    assert sorted(map(_path, rules)) == sorted(path for m in MANIFESTS.values() for path in m.paths)
    assert [rule["priority"] for rule in rules] == list(range(1, len(rules) + 1))
    templates = [t for r in rules if (t := r["match_rules"][0]["path_template_match"])]
    assert all(t.count("*") <= 5 and len(t) <= 255 for t in templates)
    assert all("{" not in (r["match_rules"][0]["full_path_match"] or "") for r in rules)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environments_have_the_same_things_in_other_sizes(rehearse, environment):
    optional = ("google_sql_database_instance.replica",)
    here, prod = ({a for a in rehearse(e) if not a.startswith(optional)} for e in (environment, "prod"))
    assert here == prod
    traffic = {
        f["service_config"][0]["all_traffic_on_latest_revision"] for f in _functions(rehearse(environment))
    }
    assert traffic == {environment in ("dev", "branch")}


def _functions(plan: dict[str, Any]) -> list[Any]:
    return list(_of(plan, "google_cloudfunctions2_function").values())


def test_what_is_optional_is_made_when_it_is_asked_for(rehearse):
    plan, plain = rehearse("prod", *EVERYTHING), rehearse("prod")
    assert {re.sub(r"\[.*", "", address) for address in set(plan) - set(plain)} == {
        "google_billing_budget.month",
        "google_identity_platform_config.people",
        "google_identity_platform_oauth_idp_config.provider",
        "google_kms_crypto_key_iam_member.agent",
        "google_monitoring_notification_channel.email",
    }
    results = plan['google_storage_bucket.media["results"]']
    assert results["retention_policy"] == [{"retention_period": 3600}]
    assert plan['google_storage_bucket.media["uploads"]']["retention_policy"] == []
    assert results["cors"][0]["origin"] == ["https://app.example.org"]
    assert results["encryption"] == [{"default_kms_key_name": KEY}]
    assert plan["google_sql_database_instance.database"]["encryption_key_name"] == KEY
    assert plan['google_secret_manager_secret_version.value["KEY_PEPPER"]']["secret_data_wo_version"] == 2
    assert {f["service_config"][0]["environment_variables"]["LOG_LEVEL"] for f in _functions(plan)} == {
        "DEBUG"
    }
    people = plan["google_identity_platform_config.people[0]"]
    assert people["authorized_domains"][1:] == ["app.example.org"]
    provider = plan['google_identity_platform_oauth_idp_config.provider["acme"]']
    assert (provider["name"], provider["response_type"]) == ("oidc.acme", [{"id_token": True}])
    channels = [a["notification_channels"] for a in _of(plan, "google_monitoring_alert_policy").values()]
    assert all(len(each) == 1 for each in channels)


def test_functions_get_the_secrets_that_are_made_and_nobody_the_migrations(rehearse):
    plan = rehearse("prod")
    made = {
        re.findall(r'"(\w+)"', address)[0] for address in _of(plan, "google_secret_manager_secret_version")
    }
    taken = {
        s["key"] for f in _functions(plan) for s in f["service_config"][0]["secret_environment_variables"]
    }
    assert made - taken == {"MIGRATIONS_URL"}
    assert taken <= made
    readers = {
        asked["member"]
        for address, asked in _of(plan, "google_secret_manager_secret_iam_member").items()
        if "migrations" in address
    }
    assert readers == {"serviceAccount:" + _email("migrations")}


def test_redis_is_reached_over_tls_with_its_own_authority(rehearse):
    from redis import Redis

    plan = rehearse("prod")
    written = plan['google_secret_manager_secret_version.value["REDIS_URL"]']["secret_data_wo"]
    url = written.replace("google_redis_instance__cache.port", "6378")
    pool = Redis.from_url(url).connection_pool
    assert pool.connection_class.__name__ == "SSLConnection"
    assert pool.connection_kwargs["ssl_ca_data"] == "PEM"
    assert pool.connection_kwargs["password"] == "google_redis_instance__cache.auth_string"
    assert _cache_settings(plan) == {("false", "false")}


def _cache_settings(plan: dict[str, Any]) -> set[tuple[str, str]]:
    env = [f["service_config"][0]["environment_variables"] for f in _functions(plan)]
    return {(e["REDIS_CLUSTER"], e["REDIS_IAM"]) for e in env if "REDIS_CLUSTER" in e}


def test_a_redis_cluster_takes_the_place_of_the_instance(rehearse):
    from redis.connection import parse_url

    plan = rehearse("prod", "redis_shards=3")
    assert _of(plan, "google_redis_instance") == {}
    cluster = plan["google_redis_cluster.cache[0]"]
    assert (cluster["shard_count"], cluster["replica_count"]) == (3, 1)
    assert cluster["authorization_mode"] == "AUTH_MODE_IAM_AUTH"
    assert cluster["transit_encryption_mode"] == "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"
    url = plan['google_secret_manager_secret_version.value["REDIS_URL"]']["secret_data_wo"]
    parts = parse_url(url)
    assert (parts["host"], parts["port"], parts["ssl_ca_data"]) == ("10.8.0.9", 6379, "PEM")
    assert "password" not in parts
    assert _cache_settings(plan) == {("true", "true")}
    users = {a["member"] for n, a in plan.items() if n.startswith("google_project_iam_member.cache")}
    assert users == {_member(name) for name, m in MANIFESTS.items() if "cache" in map(str, m.uses)}


def test_the_dashboard_shows_what_the_alerts_look_at(rehearse):
    plan = rehearse("prod")
    board = json.loads(plan["google_monitoring_dashboard.overview"]["dashboard_json"])
    tiles = board["mosaicLayout"]["tiles"]
    charts = yaml.safe_load((TERRAFORM / "charts.yaml").read_text(encoding="utf-8"))
    assert len(tiles) == len(_of(plan, "google_monitoring_alert_policy.alert")) + len(charts)
    queries = [t["widget"]["xyChart"]["dataSets"][0]["timeSeriesQuery"]["prometheusQuery"] for t in tiles]
    assert [q for q in queries if not q or q.rstrip().endswith((">", ">="))] == []
    assert len({(t["xPos"], t["yPos"]) for t in tiles}) == len(tiles)


def test_the_error_budget_has_a_fast_and_a_slow_alert_for_each_objective(rehearse):
    burns = _of(rehearse("prod"), "google_monitoring_alert_policy.burn")
    assert {re.findall(r'"(.*)"', address)[0] for address in burns} == {
        f"{objective}-{speed}" for objective in ("availability", "latency") for speed in ("fast", "slow")
    }
    assert all(len(each["conditions"]) == 2 and each["combiner"] == "AND" for each in burns.values())
