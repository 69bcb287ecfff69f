"""Write or check `functions/function.schema.json`, and check every manifest.

`python -m tools.manifests --write | --check`
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.core.config import Misconfigured
from shared.edge.manifest import load_all, schema

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"


def document() -> str:
    """The text of `function.schema.json`."""
    return json.dumps(schema(), indent=2) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Write the schema, or tell whether it and the manifests are right; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write or check the schema of function.yaml.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the schema")
    mode.add_argument(
        "--check", action="store_true", help="fail where it is out of date or a manifest is wrong"
    )
    path = FUNCTIONS / "function.schema.json"
    if parser.parse_args(argv).write:
        path.write_text(document(), encoding="utf-8")
        return 0
    if not path.exists() or path.read_text(encoding="utf-8") != document():
        print("function.schema.json is out of date: python -m tools.manifests --write", file=sys.stderr)
        return 1
    try:
        load_all(FUNCTIONS)
    except Misconfigured as error:
        print(error.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
