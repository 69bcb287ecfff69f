"""The committed document: valid, current, and telling of every operation what its code does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator

from local.state import REPOSITORY
from shared.auth.principal import ADMIN, SCOPES
from shared.edge.endpoint import Endpoint
from shared.edge.openapi_errors import errors_of
from tools.openapi import declared, document

TEXT = (REPOSITORY / "openapi.json").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = json.loads(TEXT)
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint for _, endpoints in declared(REPOSITORY / "functions") for endpoint in endpoints
}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
OAUTH = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthProblem"}}}


def _nodes(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, below in value.items():
            yield from _nodes(below, f"{path}/{key}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _nodes(below, f"{path}/{index}")


def _found(reference: str) -> Any:
    value: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value


def _response(operation: dict[str, Any], status: str) -> dict[str, Any]:
    response = operation["responses"][status]
    return dict(_found(response["$ref"]) if "$ref" in response else response)


def test_it_is_what_the_code_declares():
    assert document(REPOSITORY) == TEXT


def test_it_is_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENT).validate()


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_each_schema_is_json_schema(name: str):
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere_and_every_component_is_used():
    references = {node["$ref"] for _, node in _nodes(DOCUMENT) if isinstance(node.get("$ref"), str)}
    for reference in references:
        assert isinstance(_found(reference), dict)
    kinds = ("schemas", "headers")
    known = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert known <= references


def test_examples_are_valid():
    given = [
        (path, node, example)
        for path, node in _nodes(DOCUMENT)
        if isinstance(node.get("examples"), list)
        for example in node["examples"]
    ]
    assert given
    for path, node, example in given:
        schema = {**node, "components": DOCUMENT["components"]}
        assert Draft202012Validator(schema).is_valid(example), (path, example)


def test_operations_are_the_functions_each_once():
    names = [o["operationId"] for methods in DOCUMENT["paths"].values() for o in methods.values()]
    assert len(set(names)) == len(names)
    assert set(names) == set(ENDPOINTS)
    for name, endpoint in ENDPOINTS.items():
        assert endpoint.function.__name__ == name
        assert OPERATIONS[name][0].upper() == endpoint.method


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_may_call_is_spelled_out(name: str):
    method, _, operation = OPERATIONS[name]
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert isinstance(operation["security"], list)
    for requirement in operation["security"]:
        assert set(requirement) <= set(schemes)
        assert all(set(scopes) <= {*SCOPES, ADMIN} for scopes in requirement.values())
    if not operation["security"]:
        assert method == "get" or ENDPOINTS[name].signed or ENDPOINTS[name].oauth
    scopes = {
        scope for requirement in operation["security"] for each in requirement.values() for scope in each
    }
    verbs = {"read"} if method == "get" else {"write", "owner"}
    assert {scope.partition(":")[2] for scope in scopes - {ADMIN}} <= verbs
    assert (ADMIN in scopes) == OPERATIONS[name][1].startswith("/v1/admin/")


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_says_what_it_does(name: str):
    _, path, operation = OPERATIONS[name]
    assert operation["summary"].endswith(".")
    assert operation["tags"]
    parameters = {p["name"]: p for p in operation.get("parameters", [])}
    placeholders = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    assert [p for p in parameters if parameters[p]["in"] == "path"] == placeholders
    assert all("schema" in parameter for parameter in parameters.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_refusal_is_a_problem_and_every_problem_of_the_code_is_named(name: str):
    operation = OPERATIONS[name][2]
    refusals = {status for status in operation["responses"] if status >= "400"}
    assert {int(status) for status in refusals} == {error.status for error in errors_of(ENDPOINTS[name])}
    for status in refusals:
        assert HTTPStatus(int(status))
        assert _response(operation, status)["content"] == (OAUTH if ENDPOINTS[name].oauth else PROBLEM)
    for error in errors_of(ENDPOINTS[name]):
        assert f"`{error.slug}`:" in _response(operation, str(error.status))["description"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_there_is_one_success_and_it_has_a_shape(name: str):
    operation = OPERATIONS[name][2]
    good = [status for status in operation["responses"] if status < "400"]
    assert good == [str(ENDPOINTS[name].status)]
    response = _response(operation, good[0])
    assert ("content" in response) == (good[0] not in ("204", "302"))
    assert ("Location" in response["headers"]) == (good[0] in ("201", "302"))


@pytest.mark.parametrize("name", [n for n, endpoint in ENDPOINTS.items() if endpoint.auth])
def test_operations_with_a_key_declare_what_the_steps_before_them_refuse(name: str):
    responses = OPERATIONS[name][2]["responses"]
    assert {"401", "403", "429", "500", "503"} <= set(responses)
    assert _response(OPERATIONS[name][2], "401")["headers"]["WWW-Authenticate"]
    assert _response(OPERATIONS[name][2], "429")["headers"]["Retry-After"]


@pytest.mark.parametrize("name", [n for n, endpoint in ENDPOINTS.items() if endpoint.idempotent])
def test_operations_by_key_name_the_problems_of_keys(name: str):
    operation = OPERATIONS[name][2]
    assert "Idempotency-Key" in {p["name"] for p in operation["parameters"]}
    assert "`idempotency-key-in-progress`:" in _response(operation, "409")["description"]
    assert "`idempotency-key-reused`:" in _response(operation, "422")["description"]
