"""`python -m tests.faults`: the fault matrix, many runs a row, with a report that later runs add to."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.faults.harness.fleet import run_matrix
from tests.faults.harness.matrix import chosen, matrix
from tests.faults.harness.page import PAGE, page
from tests.faults.harness.report import Report
from tests.faults.harness.rows import execute
from tests.faults.harness.warm import fault_cloud


def _one_seed(rows: list[int], seed: int) -> int:
    good = True
    with fault_cloud() as cloud:
        for number in rows:
            outcome = execute(matrix()[number], cloud, seed)
            good = good and outcome.good
            sys.stdout.write("\n".join([str(outcome), *outcome.violations, outcome.error]) + "\n")
    return 0 if good else 1


def main() -> int:
    """0 when every row has its runs, nothing was violated, and every control was red."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs that each row shall have (20)")
    parser.add_argument("--rows", type=str, default="", metavar="1-5,9", help="rows (all)")
    parser.add_argument("--clouds", type=int, default=3, help="clouds side by side (3)")
    parser.add_argument("--report", type=Path, default=Path("build/faults/report.json"))
    parser.add_argument("--resume", action="store_true", help="add to the report instead of a new one")
    parser.add_argument("--seed", type=int, help="do this seed of each row, once, without a report")
    parser.add_argument("--write-page", action="store_true", help="write the table of rows into its page")
    options = parser.parse_args()
    if options.write_page:
        PAGE.write_text(page())
        return 0
    if options.seed is not None:
        return _one_seed(chosen(options.rows), options.seed)
    rows = chosen(options.rows)
    report = Report(options.report, fresh=not options.resume)
    began = time.monotonic()

    def tell(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f}  {text}\n")
        sys.stdout.flush()

    run_matrix(report, rows, options.runs, options.clouds, tell)
    sys.stdout.write(f"\n{report.table(rows)}\n\n{options.report}, {time.monotonic() - began:.0f} s\n")
    return 0 if report.good(rows, options.runs) else 1


if __name__ == "__main__":
    sys.exit(main())
