"""The record of all runs: `report.json`, which later runs add to, and a table of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.harness.matrix import matrix
from tests.faults.harness.rows import Outcome

_KEPT = 20


@dataclass
class Line:
    """One row's runs. `not_counted` are those whose fault did not strike, or in which the harness failed."""

    row: int
    name: str
    runs: int = 0
    fired: int = 0
    violations: int = 0
    control_red: bool = False
    not_counted: int = 0
    next_seed: int = 0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)


class Report:
    """Lines by row, kept in a file after every run."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self._path = path
        self.lines = {number: Line(number, row.name) for number, row in matrix().items()}
        if not fresh and path.exists():
            for known in json.loads(path.read_text())["rows"]:
                if known["row"] in self.lines:
                    self.lines[known["row"]] = Line(**{**known, "name": self.lines[known["row"]].name})

    def add(self, outcome: Outcome) -> None:
        """Count one run, or one control."""
        line = self.lines[outcome.row]
        line.seconds = round(line.seconds + outcome.seconds, 2)
        if outcome.control:
            line.control_red = line.control_red or outcome.red(matrix()[outcome.row])
        else:
            self._count(line, outcome)
        self._write()

    def lacking(self, row: int, runs: int) -> int:
        """How many runs of a row are missing to `runs`."""
        return max(0, runs - self.lines[row].runs)

    def table(self, rows: list[int]) -> str:
        """What a person reads."""
        head = f"{'row':>3}  {'name':<58} {'runs':>5} {'fired':>6} {'violations':>10} {'control':>8}  seeds"
        shown = [head, "-" * len(head)]
        for line in (self.lines[number] for number in rows):
            control = "red" if line.control_red else "GREEN"
            shown.append(
                f"{line.row:>3}  {line.name[:58]:<58} {line.runs:>5} {line.fired:>6} {line.violations:>10} "
                f"{control:>8}  0-{line.next_seed - 1}"
            )
            shown += [f"     {text}" for text in line.found]
        return "\n".join(shown)

    def good(self, rows: list[int], runs: int) -> bool:
        """Whether every row has its runs, none violated anything, and every control was red."""
        lines = [self.lines[number] for number in rows]
        return all(line.runs >= runs and not line.violations and line.control_red for line in lines)

    def _count(self, line: Line, outcome: Outcome) -> None:
        line.next_seed = max(line.next_seed, outcome.seed + 1)
        if outcome.error or not outcome.fired:
            line.not_counted += 1
            trouble = outcome.error.strip().splitlines()[-1] if outcome.error else "the fault did not strike"
            line.found.append(f"seed {outcome.seed} does not count: {trouble[:300]}")
        else:
            line.runs += 1
            line.fired += outcome.fired
            line.violations += len(outcome.violations)
            line.found += [f"seed {outcome.seed}: {violation[:300]}" for violation in outcome.violations]
        line.found = line.found[:_KEPT]

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows: list[dict[str, Any]] = [vars(line) for line in self.lines.values()]
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
        part.replace(self._path)
