from __future__ import annotations

from typing import Annotated, Any

import jsonschema
import pytest
from pydantic import BaseModel, Field

from shared.core.config import Misconfigured
from shared.core.errors import Conflict, ImangorError
from shared.edge import http
from shared.edge.http import Reply, Upload, endpoint_of
from shared.edge.manifest import Manifest
from shared.edge.openapi import build


class QuotaExceeded(ImangorError):
    """The account has no credit left."""

    slug, status, title = "quota-exceeded", 402, "Quota exceeded"


class Busy(Conflict):
    """The thing is busy."""

    slug = "busy"


class Late(Conflict):
    """The thing is gone."""

    slug = "late"


class Part(BaseModel):
    size: int


class Create(BaseModel):
    text: str = Field(max_length=5)
    parts: list[Part] = []


class Thing(BaseModel):
    id: str
    parts: list[Part] = []


class Search(BaseModel):
    limit: int = Field(20, ge=1)
    states: list[str] = []


@http.post(
    "/", auth="x:write", rate="3/minute", idempotent=True, status=201, errors=[QuotaExceeded, Busy, Late]
)
def create_thing(ctx: Any, body: Create, file: Upload | None) -> Reply[Thing]:
    """Make a thing.

    It takes a while.
    """
    raise AssertionError


@http.get("/{thing_id}", auth="x:read")
def get_thing(ctx: Any, thing_id: Annotated[str, Field(pattern="^t_")], query: Search) -> Thing:
    """Read a thing."""
    raise AssertionError


@http.delete("/{thing_id}", auth="x:write")
def delete_thing(ctx: Any, thing_id: str, if_match: str) -> None:
    """Delete a thing."""


@http.get("/health", auth=None, produces="text/plain")
def health(ctx: Any) -> Reply[bytes]:
    """Tell whether it works."""
    raise AssertionError


OPERATIONS = (create_thing, get_thing, delete_thing, health)


def manifest(*paths: str) -> Manifest:
    return Manifest(
        name="things",
        runtime="python311",
        kind="http",
        paths=list(paths),
        memory="512Mi",
        cpu=1,
        concurrency=1,
        timeout="60s",
        attempts=8,
        min_instances=0,
        max_instances=1,
    )


def document(*operations: Any) -> dict[str, Any]:
    found = tuple(endpoint_of(o) for o in operations or OPERATIONS)
    return build([(manifest("/v1/things", "/v1/things/{thing_id}"), found)], "1.2.3")


def resolve(doc: dict[str, Any], node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        here: Any = doc
        for step in node["$ref"].removeprefix("#/").split("/"):
            here = here[step]
        node = here
    return node


def test_every_reference_leads_somewhere():
    doc = document()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert resolve(doc, node) is not None
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(doc)
    assert doc["openapi"].startswith("3.1")


def test_an_operation_is_named_described_and_secured():
    doc = document()
    post = doc["paths"]["/v1/things"]["post"]
    assert (post["operationId"], post["summary"]) == ("create_thing", "Make a thing.")
    assert post["description"] == "It takes a while."
    assert post["security"] == [{"bearer": ["x:write"]}, {"api_key": ["x:write"]}]
    assert doc["paths"]["/v1/things/health"]["get"]["security"] == []


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/v1/things", "post", "201 400 401 402 403 409 413 415 422 429 500 503"),
        ("/v1/things/{thing_id}", "get", "200 400 401 403 404 422 429 500 503"),
        ("/v1/things/{thing_id}", "delete", "204 400 401 403 404 409 422 428 429 500 503"),
        ("/v1/things/health", "get", "200 500 503"),
    ],
)
def test_every_status_a_caller_can_see_is_declared(path: str, method: str, statuses: str):
    doc = document()
    responses = doc["paths"][path][method]["responses"]
    assert sorted(responses) == statuses.split()
    for status, response in responses.items():
        if int(status) >= 400:
            content = resolve(doc, response)["content"]
            assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_errors_of_one_status_are_told_apart():
    conflict = document()["paths"]["/v1/things"]["post"]["responses"]["409"]
    assert "`busy`: The thing is busy." in conflict["description"]
    assert "`late`: The thing is gone." in conflict["description"]


def test_a_reply_and_its_headers_are_described():
    doc = document()
    created = doc["paths"]["/v1/things"]["post"]["responses"]["201"]
    assert created["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    expected = {"X-Request-Id", "RateLimit-Policy", "RateLimit", "Idempotency-Replayed", "Location"}
    assert set(created["headers"]) == expected
    text = doc["paths"]["/v1/things/health"]["get"]["responses"]["200"]
    assert list(text["content"]) == ["text/plain"]


def test_parameters_come_from_route_query_and_headers():
    doc = document()
    get = {p["name"]: p for p in doc["paths"]["/v1/things/{thing_id}"]["get"]["parameters"]}
    assert get["thing_id"]["schema"]["pattern"] == "^t_"
    assert (get["limit"]["in"], get["limit"]["required"], get["limit"]["schema"]["minimum"]) == (
        "query",
        False,
        1,
    )
    assert get["states"]["explode"] is False
    assert "Search" not in doc["components"]["schemas"]
    delete = doc["paths"]["/v1/things/{thing_id}"]["delete"]["parameters"]
    assert [(p["name"], p["in"], p["required"]) for p in delete] == [
        ("thing_id", "path", True),
        ("If-Match", "header", True),
        ("Idempotency-Key", "header", False),
    ]
    post = doc["paths"]["/v1/things"]["post"]["parameters"]
    assert [p["name"] for p in post] == ["Idempotency-Key"]


def test_a_body_may_be_json_or_multipart():
    body = document()["paths"]["/v1/things"]["post"]["requestBody"]
    assert body["required"] is True
    assert list(body["content"]) == ["application/json", "multipart/form-data"]
    form = body["content"]["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {"file", "request"}
    assert form["required"] == ["request"]


def test_a_problem_of_ours_fits_the_published_schema():
    doc = document()
    schema = {**doc["components"]["schemas"]["Problem"], "components": doc["components"]}
    problem = {
        "type": "https://imangor.dev/problems/x",
        "title": "X",
        "status": 422,
        "instance": "urn:imangor:request:r",
        "errors": [{"pointer": "/a", "code": "c", "detail": "d"}],
    }
    jsonschema.validate(problem, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**problem, "errors": [{}]}, schema)


def test_a_route_outside_of_the_manifest_is_refused():
    @http.get("/{a}/{b}", auth="x")
    def deep(ctx: Any, a: str, b: str) -> Thing: ...

    with pytest.raises(Misconfigured, match="do not cover"):
        document(deep)


def test_two_operations_of_one_name_are_refused():
    with pytest.raises(Misconfigured, match="twice"):
        document(health, health)
