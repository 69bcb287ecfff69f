"""Nobody may do more than they need: roles, callers, secrets, buckets and the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.edge.manifest import load_all
from tests.contract.terraform.conftest import ROOT
from tools.capabilities import capabilities
from tools.hcl import TERRAFORM

MANIFESTS = load_all(ROOT / "functions")
BASIC = re.compile(r"roles/(owner|editor|viewer)$|\.admin$|Admin$")
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
# What our own roles are given on the whole project, because there is nothing narrower to give them on.
ON_PROJECT = {
    "roles/cloudsql.client",
    "roles/cloudsql.instanceUser",
    "roles/cloudtranslate.user",
    "custom/peopleUpdater",
    "custom/queuePauser",
    "custom/signInKeeper",
    "custom/peopleEraser",
    "roles/serviceusage.serviceUsageConsumer",
}
BUILDER = {"roles/logging.logWriter", "roles/storage.objectViewer"}


def _all(module: dict[str, Any], pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, named in module.get("resource", {}).items():
        if re.search(pattern, kind):
            yield from ((f"{kind}.{name}", bodies[0]) for name, bodies in named.items())


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(_text, value.values()))
    return " ".join(map(_text, value)) if isinstance(value, list) else str(value)


def test_no_basic_or_administrator_role_is_given(modules):
    for module in modules.values():
        for address, body in _all(module, r"_iam_"):
            roles = re.findall(r"roles/[\w.]+", f"{_text(body.get('role'))} {_text(body.get('for_each'))}")
            assert [role for role in roles if BASIC.search(role)] == [], address
    grants = [capabilities().always, *capabilities().words.values()]
    assert {r.role for g in grants for r in g.roles if BASIC.search(r.role)} == set()


def test_roles_of_our_own_are_made_given_and_let_nobody_decide_who_may_what(root_module, derived):
    (made,) = root_module["resource"]["google_project_iam_custom_role"]["own"]
    assert made["for_each"] == "${module.manifests.custom_roles}"
    ours = capabilities().custom_roles
    given = {r.role for g in capabilities().words.values() for r in g.roles if r.role.startswith("custom/")}
    assert {f"custom/{name}" for name in ours} == given
    assert not [p for permissions in ours.values() for p in permissions if re.search(r"iam|\*|[pP]olicy", p)]


def test_what_is_public_neither_reads_nor_makes_nor_deletes_people():
    """Reading them gives the hashes of their passwords, too."""
    ours, words = capabilities().custom_roles, capabilities().words
    public = {str(word) for m in MANIFESTS.values() if m.public for word in m.uses}
    roles = {r.role.partition("/")[2] for word in public for r in words[word].roles}
    people = {p for name in roles & set(ours) for p in ours[name] if p.startswith("firebaseauth.")}
    assert people == {"firebaseauth.users.update", "firebaseauth.users.createSession"}


def test_roles_are_added_and_never_replace_what_others_gave(modules):
    for module in modules.values():
        assert [a for a, _ in _all(module, r"_iam_(policy|binding)$")] == []


def test_only_the_edge_is_called_by_everybody(modules, function_module):
    public = [
        (folder.name, address)
        for folder, module in modules.items()
        for address, body in _all(module, r".")
        if any(word in _text(body) for word in EVERYBODY)
    ]
    assert public == [("function", "google_cloud_run_service_iam_member.public")]
    (body,) = function_module["resource"]["google_cloud_run_service_iam_member"]["public"]
    assert body["count"] == "${var.function.public ? 1 : 0}"
    (body,) = function_module["resource"]["google_cloud_run_service_iam_member"]["platform"]
    assert body["count"] == "${var.function.public ? 0 : 1}"
    assert body["member"] == "serviceAccount:${var.function.invoker}"


def test_what_only_the_platform_calls_is_not_reached_from_outside(function_module, derived):
    (body,) = function_module["resource"]["google_cloudfunctions2_function"]["function"]
    ingress = body["service_config"][0]["ingress_settings"]
    assert ingress == '${var.function.public ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY"}'
    assert {n for n, f in derived["functions"].items() if f["public"]} == {
        n for n, m in MANIFESTS.items() if m.kind in ("http", "stream")
    }


def test_roles_on_the_whole_project_are_those_that_need_it(root_module):
    granted = {r.role for g in capabilities().words.values() for r in g.roles if r.on == "project"}
    assert granted <= ON_PROJECT
    members = dict(_all(root_module, "^google_project_iam_member$"))
    assert set(members) == {"google_project_iam_member.builds", "google_project_iam_member.cache"}
    assert members["google_project_iam_member.cache"]["role"] == "roles/redis.dbConnectionUser"
    assert set(re.findall(r"roles/[\w.]+", _text(members["google_project_iam_member.builds"]))) == BUILDER


def test_every_place_that_a_role_is_given_on_is_one_that_the_module_knows(function_module):
    places = {r.on for g in capabilities().words.values() for r in g.roles}
    known = next(part["by_place"] for part in function_module["locals"] if "by_place" in part)
    assert places == set(re.findall(r'"([a-z-]+)"', known.partition(" in ")[2].partition("]")[0]))
    assert {p for p in places if f'by_place["{p}"]' in _text(function_module)} >= places - {
        "uploads",
        "results",
    }


def test_buckets_are_closed(root_module):
    buckets = dict(_all(root_module, "^google_storage_bucket$"))
    assert len(buckets) == 2
    for body in buckets.values():
        assert body["uniform_bucket_level_access"] is True
        assert body["public_access_prevention"] == "enforced"


def test_results_trigger_nothing(derived):
    assert {each["bucket"] for each in derived["notifications"].values()} == {"uploads"}


def test_data_has_private_addresses_and_encrypted_connections(root_module):
    for address, body in _all(root_module, "^google_sql_database_instance$"):
        network = body["settings"][0]["ip_configuration"][0]
        assert (network["ipv4_enabled"], network["ssl_mode"]) == (False, "ENCRYPTED_ONLY"), address
        flags = {flag["name"]: flag["value"] for flag in body["settings"][0]["database_flags"]}
        assert flags["cloudsql.iam_authentication"] == "on"
        assert body["database_version"] == "POSTGRES_16"
    (redis,) = [body for _, body in _all(root_module, "^google_redis_instance$")]
    assert redis["auth_enabled"] is True
    assert redis["transit_encryption_mode"] == "SERVER_AUTHENTICATION"
    (cluster,) = [body for _, body in _all(root_module, "^google_redis_cluster$")]
    assert cluster["authorization_mode"] == "AUTH_MODE_IAM_AUTH"
    assert cluster["transit_encryption_mode"] == "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"


def test_the_load_balancer_has_browsers_stay_with_https_and_with_the_declared_type(root_module):
    (body,) = root_module["resource"]["google_compute_backend_service"]["function"]
    headers = dict(line.split(": ") for line in body["custom_response_headers"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=31536000" in headers["Strict-Transport-Security"]


def test_functions_log_in_without_passwords(root_module):
    (function,) = root_module["resource"]["google_sql_user"]["function"]
    assert function["type"] == "CLOUD_IAM_SERVICE_ACCOUNT"
    assert not [key for key in function if "password" in key]


def test_no_secret_is_written_into_the_state(modules, root_module):
    """Values that we make are ephemeral and reach resources by write-only arguments alone."""
    for module in modules.values():
        assert "random_password" not in module.get("resource", {})
        for address, body in _all(module, "."):
            assert not {"password", "secret_data"} & set(body), address
    (version,) = root_module["resource"]["google_secret_manager_secret_version"]["value"]
    assert "secret_data_wo" in version
    assert "google_service_account_key" not in root_module["resource"]
    assert "sensitive" not in _text(root_module.get("output", {}))


@pytest.mark.parametrize("secret", sorted({s for g in capabilities().words.values() for s in g.secrets}))
def test_every_secret_is_made(root_module, secret):
    made = next(part["made"] for part in root_module["locals"] if "made" in part)
    assert secret in (made if isinstance(made, dict) else re.findall(r"^\s*(\w+)\s+=", made, re.MULTILINE))


def test_the_networks_functions_use_carry_private_ranges_only(function_module, root_module):
    (body,) = function_module["resource"]["google_cloudfunctions2_function"]["function"]
    assert body["service_config"][0]["direct_vpc_egress"] == "VPC_EGRESS_PRIVATE_RANGES_ONLY"
    (subnetwork,) = root_module["resource"]["google_compute_subnetwork"]["functions"]
    assert subnetwork["private_ip_google_access"] is True
    assert "google_compute_firewall" not in root_module["resource"], "nothing is let in"


def test_terraform_folder_holds_no_values_of_secrets():
    for path in TERRAFORM.rglob("*.tfvars"):
        assert not re.search(r"secret\w*\s*=\s*\"|password", path.read_text()), path
