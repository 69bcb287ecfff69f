"""What anybody may call without a credential."""

from __future__ import annotations

import sys
from pathlib import Path

from functions_framework import create_app

DOCS = Path(__file__).parents[2] / "functions" / "docs" / "main.py"


def test_a_public_operation_that_reads_something_has_a_rate():
    create_app("docs", str(DOCS))
    rates = {e.name: e.rate for e in sys.modules["main"].docs.__endpoints__ if e.auth is None}
    assert {name: (rate.limit, rate.window) for name, rate in rates.items() if rate} == {
        "get_openapi": (60, 60),
        "readyz": (60, 60),
        "get_reference": (60, 60),
        "get_reference_file": (600, 60),
    }
    assert set(rates) == {"get_openapi", "readyz", "healthz", "get_reference", "get_reference_file"}
