"""Many runs on several clouds side by side, each cloud with a process of its own."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable
from typing import Any

from tests.faults.harness.matrix import matrix
from tests.faults.harness.report import Report
from tests.faults.harness.rows import Outcome, execute
from tests.faults.harness.warm import fault_cloud

_CONTROL_TRIES = 3
_SPARE = 5
"""Runs of one row that may be lost to faults that did not strike, before the row is given up."""
Told = Callable[[str], None]


def run_matrix(report: Report, rows: list[int], runs: int, clouds: int, tell: Told) -> None:
    """Bring every row to `runs` runs and a red control."""
    fleet = _Fleet(min(clouds, len(rows)))
    try:
        _Plan(report, rows, runs, tell).carry_out(fleet)
    finally:
        fleet.stop()


class _Plan:
    """Which run comes next. Rows take turns, so that each has some runs early."""

    def __init__(self, report: Report, rows: list[int], runs: int, tell: Told) -> None:
        self._report, self._rows, self._runs, self._tell = report, rows, runs, tell
        self._seeds = {row: report.lines[row].next_seed for row in rows}
        self._waiting = [(row, _CONTROL_TRIES) for row in rows if not report.lines[row].control_red]
        self._under_way = dict.fromkeys(rows, 0)
        self._lost = dict.fromkeys(rows, 0)

    def carry_out(self, fleet: _Fleet) -> None:
        """Give every free cloud something to do until nothing is left."""
        busy = 0
        while True:
            while busy < fleet.size and (job := self._next()) is not None:
                fleet.give(job)
                busy += 1
            if not busy:
                return
            self._take(fleet.outcome())
            busy -= 1

    def _next(self) -> tuple[int, int, bool] | None:
        if self._waiting:
            row, tries = self._waiting.pop(0)
            return row, 1_000_000 + tries, True
        lacking = {
            row: self._report.lacking(row, self._runs) - self._under_way[row]
            for row in self._rows
            if self._lost[row] < _SPARE
        }
        row = max(lacking, key=lambda row: lacking[row], default=None)
        if row is None or lacking[row] <= 0:
            return None
        seed, self._seeds[row] = self._seeds[row], self._seeds[row] + 1
        self._under_way[row] += 1
        return row, seed, False

    def _take(self, outcome: Outcome) -> None:
        row = matrix()[outcome.row]
        self._report.add(outcome)
        if outcome.control:
            left = outcome.seed - 1_000_000 - 1
            if not outcome.red(row) and left:
                self._waiting.append((outcome.row, left))
            verdict = "control red" if outcome.red(row) else "CONTROL GREEN"
        else:
            self._under_way[outcome.row] -= 1
            counts = outcome.fired and not outcome.error
            self._lost[outcome.row] += not counts
            verdict = "good" if outcome.good else "VIOLATED" if counts else "does not count"
        self._tell(f"row {outcome.row} seed {outcome.seed}: {verdict} in {outcome.seconds} s")
        if verdict in {"VIOLATED", "does not count", "CONTROL GREEN"}:
            self._tell("\n".join([*outcome.violations, outcome.error]))


class _Fleet:
    """Processes with a cloud each, that take runs and give outcomes."""

    def __init__(self, size: int) -> None:
        context: Any = multiprocessing.get_context("spawn")
        self.size = size
        self._jobs, self._outcomes = context.Queue(), context.Queue()
        arguments = (self._jobs, self._outcomes)
        self._crew = [context.Process(target=_serve, args=arguments) for _ in range(size)]
        for member in self._crew:
            member.start()

    def give(self, job: tuple[int, int, bool]) -> None:
        """Have one run done by whoever is free."""
        self._jobs.put(job)

    def outcome(self) -> Outcome:
        """The next outcome; RuntimeError when a process has died."""
        while True:
            try:
                found: Outcome = self._outcomes.get(timeout=5)
            except queue.Empty:
                if not all(member.is_alive() for member in self._crew):
                    raise RuntimeError("a process of the fleet has died") from None
                continue
            return found

    def stop(self) -> None:
        """End all clouds."""
        for _ in self._crew:
            self._jobs.put(None)
        for member in self._crew:
            member.join(60)
            if member.is_alive():
                member.terminate()


def _serve(jobs: Any, outcomes: Any) -> None:
    """Work until there is nothing more to do; after trouble of the harness, on a new cloud."""
    job = jobs.get()
    while job is not None:
        row, seed, control = job
        try:
            with fault_cloud() as cloud:
                while job is not None:
                    row, seed, control = job
                    outcome = execute(matrix()[row], cloud, seed, control=control)
                    outcomes.put(outcome)
                    job = jobs.get()
                    if outcome.error:
                        break
        except Exception:
            outcomes.put(Outcome(row, seed, control, error=traceback.format_exc()))
            job = jobs.get()
