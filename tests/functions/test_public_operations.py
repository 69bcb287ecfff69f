"""What may be called without a credential."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from functions_framework import create_app

from shared.core import config

FUNCTIONS = Path(__file__).parents[2] / "functions"
DOCS = FUNCTIONS / "docs" / "main.py"


def test_a_public_operation_that_reads_something_has_a_rate():
    create_app("docs", str(DOCS))
    rates = {e.name: e.rate for e in sys.modules["main"].docs.__endpoints__ if e.auth is None}
    assert {name: (rate.limit, rate.window) for name, rate in rates.items() if rate} == {
        "get_openapi": (60, 60),
        "readyz": (60, 60),
        "get_selftest": (60, 60),
        "get_reference": (60, 60),
        "get_reference_file": (600, 60),
    }
    assert {name for name, rate in rates.items() if not rate} == {"healthz"}


@pytest.mark.parametrize(("redis", "status"), [("redis://127.0.0.1:1", 401), ("", 500)])
def test_a_trial_that_cannot_work_stops_the_function_before_a_release_is_seen(monkeypatch, redis, status):
    monkeypatch.setenv("TRIAL_ACCOUNT", "acc_01k9z3v5w8x2y4a6b8c0d2e4f6")
    monkeypatch.setenv("REDIS_URL", redis)
    config.forget()
    answer = create_app("jobs", str(FUNCTIONS / "jobs" / "main.py")).test_client().get("/v1/jobs")
    config.forget()
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "methods"),
    [("redrive", "OPTIONS, POST"), ("msg_01k9z3v5w8x2y4a6b8c0d2e4f6", "DELETE, OPTIONS")],
)
def test_a_path_that_is_declared_as_it_stands_does_not_take_what_a_template_takes(path, methods):
    client = create_app("backlog", str(FUNCTIONS / "backlog" / "main.py")).test_client()
    assert client.options(f"/v1/admin/dead-letters/{path}").headers["Allow"] == methods
