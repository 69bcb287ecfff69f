"""The table of rows in `docs/operations/faults.md`, made from the rows themselves."""

from __future__ import annotations

from pathlib import Path

from local.state import REPOSITORY
from tests.faults.harness.matrix import matrix

PAGE = REPOSITORY / "docs" / "operations" / "faults.md"
_BEGIN, _END = "<!-- rows: made by `make generate` -->", "<!-- end of rows -->"


def table() -> str:
    """All rows in Markdown."""
    lines = ["| # | fault | expected | guard that its control takes away | breaks |", "|---|---|---|---|---|"]
    for row in matrix().values():
        breaks = " or ".join(row.breaks)
        lines.append(f"| {row.number} | {row.name}: {row.fault} | {row.expects} | {row.guard} | {breaks} |")
    return "\n".join(lines)


def page(path: Path = PAGE) -> str:
    """The page with its table as it should be."""
    text = path.read_text()
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"
