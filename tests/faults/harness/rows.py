"""A row of the fault matrix, and what one run of it amounts to."""

from __future__ import annotations

import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from tests.faults.harness.cloud import FaultCloud
from tests.faults.harness.invariants import violations
from tests.faults.harness.run import NeverTold, Run
from tests.faults.harness.settle import NeverSettled

ROWS: dict[int, Row] = {}


class Row(ABC):
    """One fault at one place, and what must be true all the same.

    `guards` are taken away in the control, which must then break one of the invariants in `breaks`. `ends`
    are the states in which a job may end, `passes` is how often time may have to pass before all is done.
    """

    number: ClassVar[int]
    name: ClassVar[str]
    fault: ClassVar[str]
    expects: ClassVar[str]
    guards: ClassVar[tuple[str, ...]] = ()
    guard: ClassVar[str]
    breaks: ClassVar[tuple[str, ...]]
    credits: ClassVar[int] = 1000
    passes: ClassVar[int] = 60
    ends: ClassVar[tuple[str, ...]] = ("completed",)

    def __init_subclass__(cls) -> None:
        """Every row is known by its number."""
        ROWS[cls.number] = cls()

    @abstractmethod
    def strike(self, run: Run) -> None:
        """Arm the fault and do the work that meets it; `run.struck` counts the faults that were seen."""

    def expect(self, run: Run) -> Iterator[str]:
        """What this row wants besides the invariants; texts like theirs, where it is not so."""
        yield from ()

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        """Take the guard away."""
        with run.cloud.without(*self.guards):
            yield


@dataclass
class Outcome:
    """What came of a run. `error` is trouble of the harness itself: then the run proves nothing."""

    row: int
    seed: int
    control: bool
    fired: int = 0
    violations: list[str] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """The fault struck and nothing was violated."""
        return self.fired > 0 and not self.violations and not self.error

    def red(self, row: Row) -> bool:
        """The fault struck and broke what the missing guard protects."""
        return self.fired > 0 and not self.error and any(v.startswith(row.breaks) for v in self.violations)


def execute(row: Row, cloud: FaultCloud, seed: int, *, control: bool = False) -> Outcome:
    """Run a row once. Whatever happens, the cloud is whole again afterwards."""
    outcome = Outcome(row.number, seed, control)
    began = time.monotonic()
    run = Run(cloud, seed, row.credits, control=control, passes=row.passes)
    try:
        if control:
            with row.unguarded(run):
                _play(row, run, outcome)
        else:
            _play(row, run, outcome)
    except Exception:
        outcome.error = traceback.format_exc()
    finally:
        _mend(run)
    broken = cloud.broken()
    outcome.error += "".join(broken)
    outcome.fired, outcome.seconds = run.struck, round(time.monotonic() - began, 2)
    return outcome


def _play(row: Row, run: Run, outcome: Outcome) -> None:
    try:
        row.strike(run)
        run.settle()
        outcome.violations += row.expect(run)
        outcome.violations += [f"I1 {job} is {s}" for job, s in run.jobs().items() if s not in row.ends]
    except (NeverSettled, NeverTold) as error:
        outcome.violations.append(f"I1 {error}")
    outcome.violations += violations(run)


def _mend(run: Run) -> None:
    cloud = run.cloud
    cloud.disarm()
    cloud.queues.resume()
    if run.control:
        run.wipe()
    run.clock.set_right()
