"""Terraform's files are HCL, and say only what the Google provider knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import variables
from tools.hcl import TERRAFORM
from tools.provider_schema import FILE, PACKAGE, used

SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
META = frozenset({"count", "for_each", "depends_on", "lifecycle", "provider"})
ENVIRONMENTS = sorted((TERRAFORM / "envs").glob("*.tfvars"))


def _resources(modules: dict[Path, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every resource and data source: its type in the schema, its body, its address."""
    for folder, module in modules.items():
        for block, prefix in (("resource", ""), ("data", "data.")):
            for kind, named in module.get(block, {}).items():
                for name, bodies in named.items():
                    yield prefix + kind, bodies[0], f"{folder.name}: {prefix}{kind}.{name}"


def _faults(
    body: dict[str, Any], arguments: dict[str, Any], where: str, meta: frozenset[str] = frozenset()
) -> list[str]:
    dynamic = {name: content["content"] for name, each in body.get("dynamic", {}).items() for content in each}
    given = {**{k: v for k, v in body.items() if k not in meta | {"dynamic"}}, **dynamic}
    faults = [f"{where}.{name} is unknown" for name in given if name not in arguments]
    faults += [
        f"{where}.{n} is missing" for n, a in arguments.items() if a.get("required") and n not in given
    ]
    for name, value in given.items():
        block = arguments.get(name, {}).get("block")
        is_block = isinstance(value, list) and all(isinstance(each, dict) for each in value) and value
        if block is None:
            continue
        if not is_block:
            faults.append(f"{where}.{name} is a block")
            continue
        for each in value:
            faults += _faults(each, block, f"{where}.{name}")
    return faults


def test_every_resource_is_one_that_the_provider_knows(modules):
    faults = []
    for kind, body, where in _resources(modules):
        if kind.removeprefix("data.").startswith("google_"):
            assert kind in SCHEMA["types"], f"{where}: python -m tools.provider_schema --write"
            faults += _faults(body, SCHEMA["types"][kind]["arguments"], where, META)
    assert faults == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"colour": "red"}, "x.colour is unknown"),
        ({"name": None}, "x.name is missing"),
        ({"cors": [{"origins": []}]}, "x.cors.origins is unknown"),
        ({"cors": "https://example.org"}, "x.cors is a block"),
        (
            {"dynamic": {"cors": [{"for_each": "${[]}", "content": [{"origins": []}]}]}},
            "x.cors.origins is unknown",
        ),
    ],
)
def test_what_the_provider_does_not_know_is_noticed(change, fault):
    body = {"name": "b", "location": "EU", **change}
    body = {name: value for name, value in body.items() if value is not None}
    assert _faults(body, SCHEMA["types"]["google_storage_bucket"]["arguments"], "x") == [fault]


def test_the_schema_is_of_the_provider_that_is_asked_for_and_of_nothing_else(root_module):
    wanted = root_module["terraform"][0]["required_providers"][0]["google"]["version"]
    assert wanted == "~> " + ".".join(SCHEMA["provider"].split(".")[:2])
    assert SCHEMA["package"] == PACKAGE
    assert set(SCHEMA["types"]) == used()


def test_the_schema_goes_as_deep_as_the_provider():
    """The largest types have their blocks in files of their own."""
    rule = SCHEMA["types"]["google_compute_url_map"]["arguments"]["path_matcher"]["block"]["route_rules"][
        "block"
    ]
    assert "path_template_match" in rule["match_rules"]["block"]


def test_everything_that_is_referred_to_is_there(modules):
    reference = re.compile(r"(?<![\w.\"])((?:data\.)?google_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")
    faults = []
    for folder, module in modules.items():
        known = {where.partition(": ")[2]: kind for kind, _, where in _resources({folder: module})}
        for kind, name, attribute in reference.findall(_expressions(module)):
            address = f"{kind}.{name}"
            if address not in known:
                faults.append(f"{folder.name}: {address} is not declared")
            elif attribute and attribute not in SCHEMA["types"][kind]["attributes"]:
                faults.append(f"{folder.name}: {address}.{attribute} cannot be read")
    assert faults == []


@pytest.mark.parametrize(
    ("prefix", "block"), [("var", "variable"), ("local", "locals"), ("module", "module")]
)
def test_names_are_declared_and_used(modules, prefix, block):
    for folder, module in modules.items():
        declared = module.get(block, {})
        names = {n for part in declared for n in part} if block == "locals" else set(declared)
        text = _expressions({k: v for k, v in module.items() if k != "variable"}) + _expressions(module)
        found = set(re.findall(rf"(?<![\w.]){prefix}\.(\w+)", text))
        assert found - names == set(), folder
        if block != "module":
            assert names - found == set(), folder


def test_outputs_that_are_read_exist_and_inputs_fit(modules):
    for folder, module in modules.items():
        for name, (call,) in module.get("module", {}).items():
            called = modules[(folder / call["source"]).resolve()]
            outputs = set(re.findall(rf"module\.{name}(?:\[[^\]]*\])?\.(\w+)", _expressions(module)))
            assert outputs <= set(called["output"])
            given = set(call) - META - {"source"}
            required = {v for v, (body,) in called["variable"].items() if "default" not in body}
            assert required <= given <= set(called["variable"])


def test_every_variable_is_described_and_every_environment_sets_what_there_is(root_module):
    declared = {name: body[0] for name, body in root_module["variable"].items()}
    assert [n for n, body in declared.items() if not body.get("description")] == []
    assert {path.stem for path in ENVIRONMENTS} == {"dev", "staging", "prod", "branch"}
    for path in ENVIRONMENTS:
        values = re.findall(r"^(\w+)\s*=", path.read_text(), re.MULTILINE)
        assert set(values) <= set(declared)
        assert f'environment    = "{path.stem}"' in re.sub(r" +=", "    =", path.read_text())


def test_the_page_describes_every_variable(modules):
    assert variables.page() == variables.PAGE.read_text(encoding="utf-8")


def test_terraform_itself_finds_the_files_well_formed(run_terraform):
    run_terraform(TERRAFORM, "fmt", "-check", "-recursive", "-diff")


def _expressions(value: Any) -> str:
    """All text in which expressions may stand."""
    if isinstance(value, dict):
        return "\n".join(f"{_expressions(k)}\n{_expressions(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "\n".join(map(_expressions, value))
    return value if isinstance(value, str) else ""
