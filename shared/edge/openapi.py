"""OpenAPI 3.1 from what the functions declare: manifests x endpoint records x models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.core.config import Misconfigured
from shared.core.credentials import SESSION_COOKIE, TRIAL_TOKEN
from shared.core.scopes import PERSON
from shared.edge.content import URLENCODED
from shared.edge.endpoint import Endpoint
from shared.edge.manifest import Manifest
from shared.edge.openapi_errors import error_responses, shared_responses
from shared.edge.reply import JSON

REF = "#/components/schemas/{model}"

Declared = tuple[Manifest, tuple[Endpoint, ...]]
Schemas = dict[tuple[type[BaseModel], JsonSchemaMode], dict[str, Any]]

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "Identifies this request in logs.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "The limit: q requests in w seconds.", "schema": {"type": "string"}},
    "RateLimit": {"description": "r requests are left; t seconds to reset.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "Present when this is the reply of an earlier request.",
        "schema": {"const": "true"},
    },
    "Location": {"description": "Where the new resource is.", "schema": {"type": "string"}},
    TRIAL_TOKEN: {
        "description": "Only where a call without a credential began a trial: the visitor's token.",
        "schema": {"type": "string"},
    },
}


_TRIAL = (
    "where the deployment has a trial: the token of a visitor without an account, who got it in "
    f"`{TRIAL_TOKEN}` when they sent a picture without a credential"
)
_SIGNED = {
    "webhook-id": "Identifies the message; Standard Webhooks.",
    "webhook-timestamp": "Unix seconds, at most five minutes from now.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several by spaces.",
}


class ProblemError(BaseModel):
    """One thing wrong with an input."""

    pointer: str = Field(description="RFC 6901 pointer into the content, or /query/… into the query")
    code: str = Field(description="a stable word")
    detail: str = Field(description="a sentence for people")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="URI of the kind of problem; its last part is a stable word")
    title: str
    status: int
    instance: str = Field(description="urn:imangor:request: and the request's id")
    detail: str | None = Field(None, description="a sentence for people")
    errors: list[ProblemError] | None = Field(None, description="what is wrong, one by one")


class OAuthProblem(Problem):
    """A problem that is an error of OAuth 2.0 (RFC 6749, 5.2), too."""

    error: str = Field(description="the word of OAuth 2.0 for this")
    error_description: str


def build(declared: Iterable[Declared], version: str) -> dict[str, Any]:
    """The whole document. Raises `Misconfigured` where declarations contradict a manifest or each other."""
    functions = sorted(declared, key=lambda pair: pair[0].name)
    references, definitions = _schemas(functions)
    paths: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for manifest, endpoints in functions:
        for endpoint in endpoints:
            path = manifest.absolute(endpoint.route)
            if endpoint.name in seen or endpoint.method.lower() in paths.get(path, {}):
                raise Misconfigured(f"{endpoint.name} or its route is declared twice")
            if not manifest.covers(path):
                raise Misconfigured(f"{manifest.name}: paths do not cover {path}")
            seen.add(endpoint.name)
            operation = _operation(endpoint, manifest.name, references, definitions)
            paths.setdefault(path, {})[endpoint.method.lower()] = operation
    queries = {_name(references[_key(e.signature.query)]) for e in _all(functions) if e.signature.query}
    kept = {name: schema for name, schema in sorted(definitions.items()) if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Imangor",
            "version": version,
            "description": "Media translation.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": kept,
            "responses": shared_responses(_all(functions)),
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key or a token"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
                "trial": {"type": "http", "scheme": "bearer", "description": _TRIAL},
            },
        },
    }


def _all(functions: list[Declared]) -> list[Endpoint]:
    return [endpoint for _, endpoints in functions for endpoint in endpoints]


def _key(
    model: type[BaseModel], mode: Literal["validation", "serialization"] = "validation"
) -> tuple[type[BaseModel], JsonSchemaMode]:
    return model, mode


def _schemas(functions: list[Declared]) -> tuple[Schemas, dict[str, Any]]:
    wanted = [_key(Problem, "serialization")]
    wanted += [_key(OAuthProblem, "serialization")] if any(e.oauth for e in _all(functions)) else []
    for endpoint in _all(functions):
        s = endpoint.signature
        wanted += [_key(m) for m in (s.body, s.form, s.query) if m is not None]
        wanted += [_key(s.result, "serialization")] if s.result is not None else []
    unique = list(dict.fromkeys(wanted))
    references, document = models_json_schema(unique, ref_template=REF)
    schemas: Schemas = {key: references[key] for key in unique}
    return schemas, document["$defs"]


def _operation(endpoint: Endpoint, tag: str, refs: Schemas, definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [tag],
        "summary": endpoint.summary,
        "security": _security(endpoint),
        "responses": {**_success(endpoint, refs), **error_responses(endpoint)},
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if parameters := _parameters(endpoint, refs, definitions):
        operation["parameters"] = parameters
    if (body := _request_body(endpoint, refs)) is not None:
        operation["requestBody"] = body
    return operation


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """The ways to prove who calls: a key proves no person, and a visitor's token only whose visit it is."""
    auth = endpoint.auth
    if auth == PERSON:
        return [{"session": []}, {"bearer": []}]
    visitors: list[dict[str, list[str]]] = [{"trial": []}] if endpoint.trial else []
    return [] if auth is None else [{"bearer": [auth]}, {"api_key": [auth]}, *visitors]


def _success(endpoint: Endpoint, refs: Schemas) -> dict[str, Any]:
    result = endpoint.signature.result
    names = ["X-Request-Id"]
    names += ["RateLimit-Policy", "RateLimit"] if endpoint.rate else []
    names += ["Idempotency-Replayed"] if endpoint.idempotent else []
    names += ["Location"] if endpoint.status in (201, 302) else []
    names += [TRIAL_TOKEN] if endpoint.trial == "begins" else []
    reply: dict[str, Any] = {
        "description": "Done.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if result is not None:
        reply["content"] = {endpoint.produces: {"schema": refs[_key(result, "serialization")]}}
    elif not endpoint.signature.returns_nothing and endpoint.status not in (204, 302):
        reply["content"] = {media: {} for media in endpoint.produces.split(", ")}
    empty = "content" not in reply and endpoint.status == 200 and endpoint.signature.returns_nothing
    return {"204" if empty else str(endpoint.status): reply}


def _parameters(endpoint: Endpoint, refs: Schemas, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    signature = endpoint.signature
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": kind.json_schema(ref_template=REF)}
        for name, kind in signature.path_types.items()
    ]
    if signature.query is not None:
        found += _query(definitions[_name(refs[_key(signature.query)])])
    if signature.if_match:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": not signature.if_match_optional,
                "description": "The entity tag that was read.",
                "schema": {"type": "string", "pattern": r'^"[!#-~]*"$'},
            }
        )
    if endpoint.signed:
        found += [_signed(name, meaning) for name, meaning in _SIGNED.items()]
    if endpoint.idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A request with the same key and content is done once.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    return found


def _signed(name: str, meaning: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "header", "required": True, "description": meaning, "schema": schema}


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        | ({"style": "form", "explode": False} if "array" in str(described) else {})
        for name, described in schema["properties"].items()
    ]


def _request_body(endpoint: Endpoint, refs: Schemas) -> dict[str, Any] | None:
    signature, content = endpoint.signature, {}
    if signature.body is not None and (signature.file_optional or not signature.file):
        content[URLENCODED if signature.urlencoded else JSON] = {"schema": refs[_key(signature.body)]}
    if signature.file:
        content["multipart/form-data"] = _multipart(endpoint, refs)
    if not content:
        return None
    return {"required": not signature.body_optional, "content": content}


def _multipart(endpoint: Endpoint, refs: Schemas) -> dict[str, Any]:
    signature = endpoint.signature
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    with_file: dict[str, Any] = {"type": "object", "properties": {"file": file}}
    if not signature.file_optional:
        with_file["required"] = ["file"]
    if signature.form is None:
        return {"schema": with_file}
    body = refs[_key(signature.form)]
    as_json = {**with_file, "properties": {"file": file, "request": body}}
    as_json["required"] = ["request", *with_file.get("required", [])]
    as_json["description"] = (
        "Instead of the part `request`, its members may come as plain fields, lists joined by commas."
    )
    return {"schema": as_json, "encoding": {"request": {"contentType": JSON}}}


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]
