"""Write or check `docs/scene.schema.json`, the published JSON Schema of a scene.

`python -m tools.scene_schema --write | --check`
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from shared.scenes.schemas import Scene

PATH = Path(__file__).resolve().parent.parent / "docs" / "scene.schema.json"


def document() -> str:
    """The schema's text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scene.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Write the schema, or tell whether the file is what the code says; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write or check the scene's JSON Schema.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the schema")
    mode.add_argument("--check", action="store_true", help="fail where the schema is out of date")
    if parser.parse_args(argv).write:
        PATH.write_text(document(), encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == document():
        return 0
    print("docs/scene.schema.json is out of date: python -m tools.scene_schema --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
