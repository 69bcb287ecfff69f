"""The fault matrix in the gate: two seeds a row, and its control. `make faults` does many more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness.cloud import FaultCloud
from tests.faults.harness.matrix import matrix
from tests.faults.harness.rows import Outcome, Row, execute
from tests.faults.harness.warm import fault_cloud

pytestmark = pytest.mark.cloud

SEEDS = (0, 1)
CONTROL_TRIES = 3
STRIKE_TRIES = 3
"""A run whose fault did not strike says nothing, and is made again."""


@pytest.fixture(scope="module")
def struck() -> Iterator[FaultCloud]:
    """One cloud for all rows, which strike it one after the other."""
    with fault_cloud() as cloud:
        yield cloud


def _struck_run(row: Row, struck: FaultCloud, seed: int) -> Outcome:
    for _ in range(STRIKE_TRIES):
        outcome = execute(row, struck, seed)
        if outcome.fired or outcome.violations:
            break
    return outcome


def _told(outcome: Outcome) -> str:
    return "\n".join([f"row {outcome.row}, seed {outcome.seed}:", *outcome.violations, outcome.error])


@pytest.mark.parametrize("row", matrix().values(), ids=lambda row: f"{row.number:02d}-{type(row).__name__}")
def test_a_row_holds_and_its_control_is_red(row: Row, struck: FaultCloud):
    for seed in SEEDS:
        outcome = _struck_run(row, struck, seed)
        assert outcome.good, _told(outcome)
    controls = (execute(row, struck, seed, control=True) for seed in range(CONTROL_TRIES))
    assert any(control.red(row) for control in controls), f"row {row.number} is green without {row.guard}"
