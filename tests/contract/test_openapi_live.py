"""The document against the running API: generated requests, right and wrong, for every operation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.seed import open_account
from local.state import REPOSITORY
from local.testing import Cloud, until

pytestmark = pytest.mark.cloud

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    allow_header_conformance,
    ignored_auth,
]
GATE = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def _schema(*, edges: bool) -> schemathesis.BaseSchema:
    """The committed document. With `edges`, every boundary of every schema is tried in turn, too."""
    schema = schemathesis.openapi.from_dict(json.loads((REPOSITORY / "openapi.json").read_text()))
    schema.config.generation.update(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], with_security_parameters=False
    )
    schema.config.phases.coverage.enabled = edges
    return schema


quick, thorough = _schema(edges=False), _schema(edges=True)


@pytest.fixture(scope="module")
def keys(cloud: Cloud) -> Iterator[str]:
    """Keys in turn of accounts of their own, so that rate limits do not answer in place of operations."""
    url, pepper = cloud.connection["superuser_url"], cloud.state.secret("pepper")
    return itertools.cycle([open_account(url, pepper, "Generated").api_key for _ in range(6)])


@pytest.fixture(scope="module")
def ended(cloud: Cloud) -> str:
    """A job of the developer's account that ended with one good target and one failed."""
    picture = (REPOSITORY / "local" / "samples" / "wet-floor.jpg").read_bytes()
    fields = {"targets": "es,fr", "source_language": "en"}
    job = cloud.request("POST", "/v1/jobs", data=fields, files={"file": ("sign.jpg", picture)}).json()["id"]
    until(lambda: cloud.request("GET", f"/v1/jobs/{job}").json()["finished_at"], 90)
    return str(job)


def _check(case: schemathesis.Case, cloud: Cloud, key: str) -> Any:
    return case.call_and_validate(base_url=cloud.gateway, headers={"X-Api-Key": key}, checks=CHECKS)


@quick.parametrize()
@settings(max_examples=12, phases=[Phase.generate], **GATE)
def test_generated_requests_get_what_is_declared(case: schemathesis.Case, cloud: Cloud, keys: Iterator[str]):
    _check(case, cloud, next(keys))


@quick.include(method="GET", path_regex="job_id").parametrize()
@settings(max_examples=1, phases=[Phase.generate], **GATE)
def test_what_is_told_of_a_real_job_is_as_declared(case: schemathesis.Case, cloud: Cloud, ended: str):
    case.path_parameters = {"job_id": ended}
    case.query = {}
    assert _check(case, cloud, cloud.api_key).status_code == 200


@pytest.mark.slow
@thorough.parametrize()
@settings(max_examples=150, phases=[Phase.explicit, Phase.generate, Phase.shrink], **GATE)
def test_many_generated_requests_get_what_is_declared(
    case: schemathesis.Case, cloud: Cloud, keys: Iterator[str]
):
    _check(case, cloud, next(keys))
