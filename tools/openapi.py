"""Write or check `openapi.json`: `python -m tools.openapi --write | --check`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.edge.endpoint import Endpoint
from shared.edge.manifest import load_all
from shared.edge.openapi import REF, Declared, build
from shared.webhooks.payloads import DATA
from shared.webhooks.signature import ID, SIGNATURE, TIMESTAMP

ROOT = Path(__file__).resolve().parent.parent


def endpoints(folder: Path) -> tuple[Endpoint, ...]:
    """The operations mounted by `folder/main.py`, which is imported under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"function_{folder.name}", folder / "main.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder / 'main.py'} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: tuple[Endpoint, ...] = getattr(module, folder.name).__endpoints__
    return found


def declared(functions: Path) -> list[Declared]:
    """Every HTTP function under a folder, with its operations."""
    manifests = load_all(functions)
    return [(m, endpoints(functions / name)) for name, m in manifests.items() if m.kind == "http"]


def describe_webhooks(built: dict[str, Any]) -> None:
    """Add what is sent to customers: OpenAPI 3.1 calls it `webhooks`."""
    models = list(dict.fromkeys((model, "serialization") for model, _ in DATA.values()))
    references, described = models_json_schema(models, ref_template=REF)
    built["components"]["schemas"] = dict(
        sorted({**built["components"]["schemas"], **described["$defs"]}.items())
    )
    headers = [{"$ref": f"#/components/parameters/{name}"} for name in (ID, TIMESTAMP, SIGNATURE)]
    built["components"]["parameters"] = {
        name: {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in (ID, TIMESTAMP, SIGNATURE)
    }
    built["webhooks"] = {}
    for kind, (model, summary) in DATA.items():
        moment = {"type": "string", "format": "date-time"}
        members = {
            "type": {"const": kind.value},
            "timestamp": moment,
            "data": references[model, "serialization"],
        }
        schema = {"type": "object", "required": list(members), "properties": members}
        built["webhooks"][kind.value] = {
            "post": {
                "summary": summary,
                "parameters": headers,
                "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                "responses": {
                    "2XX": {"description": "Delivered."},
                    "410": {"description": "The endpoint is gone; it gets nothing any more."},
                    "default": {"description": "Not delivered; it is tried again."},
                },
            }
        }


def document(root: Path = ROOT) -> str:
    """The text of `openapi.json`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    built = build(declared(root / "functions"), project["version"])
    describe_webhooks(built)
    return json.dumps(built, indent=2, ensure_ascii=False) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Write the file, or tell whether it is up to date; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write or check openapi.json.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the file")
    mode.add_argument("--check", action="store_true", help="fail where the file is out of date")
    wanted, path, text = parser.parse_args(argv), ROOT / "openapi.json", document()
    if wanted.write:
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        print("openapi.json is out of date: python -m tools.openapi --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
