"""Terraform's variables as a table in docs/operations/deploy.md: python -m tools.variables [--write]."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tools.hcl import ROOT, TERRAFORM, modules

PAGE = ROOT / "docs" / "operations" / "deploy.md"
_START = "| variable | type | default | meaning |\n|---|---|---|---|\n"


def table() -> str:
    """The table as Markdown."""
    rows = []
    for name, (body,) in sorted(modules()[TERRAFORM]["variable"].items()):
        kind = str(body["type"]).removeprefix("${").removesuffix("}")
        rows.append(f"| `{name}` | {kind} | {_default(body)} | {body['description']} |\n")
    return _START + "".join(rows)


def _default(body: dict[str, Any]) -> str:
    return f"`{json.dumps(body['default'])}`" if "default" in body else "**required**"


def page() -> str:
    """The page with the table that there should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_START)
    after = rest.partition("\n\n")[2]
    return f"{before}{table()}\n{after}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.variables", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page; otherwise compare it")
    options = parser.parse_args(arguments)
    wanted = page()
    if options.write:
        PAGE.write_text(wanted, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != wanted:
        print(f"{PAGE.name} has other variables: python -m tools.variables --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
