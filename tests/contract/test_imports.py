"""Importing does nothing but define, and loads nothing that a cold start need not pay for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(p.parent.name for p in (ROOT / "functions").glob("*/main.py"))

# A client or a library that is loaded when it is first used.
HEAVY = {
    "google.cloud", "google.api_core", "google.auth", "google.protobuf", "grpc", "redis", "requests",
    "sqlalchemy", "pg8000", "alembic", "cv2", "PIL", "numpy", "uharfbuzz", "fontTools", "yaml",
    "cryptography", "jwt", "opentelemetry",
}  # fmt: skip

WATCH = """
import importlib, pathlib, sys
root, seen = sys.argv[1], []

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"):
        seen.append((event, str(arguments[:2])))
    elif event == "open" and isinstance(arguments[0], str):
        path, mode = arguments[0], str(arguments[1] or "r")
        inside = path.startswith((f"{root}/shared/", f"{root}/functions/", f"{root}/terraform/"))
        if (inside and not path.endswith((".py", ".pyc")) and "__pycache__" not in path) or "a" in mode:
            seen.append((event, path))

paths = [p for p in sorted(pathlib.Path(root, "shared").rglob("*.py")) if "migrations" not in p.parts]
names = [".".join(p.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for p in paths]
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
print(len(names), seen)
"""

LOAD = """
import json, sys
import functions_framework
before = set(sys.modules)
functions_framework.create_app(sys.argv[1], sys.argv[2])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _python(script: str, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-B", "-c", script, *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().splitlines()[-1]


def test_no_module_does_anything_when_it_is_imported():
    """No setting is there either, so that a module which reads one at import fails here."""
    count, _, seen = _python(WATCH, str(ROOT)).partition(" ")
    assert int(count) > 80
    assert seen == "[]"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_loading_a_function_loads_no_client(name):
    loaded = json.loads(_python(LOAD, name, str(ROOT / "functions" / name / "main.py")))
    assert "shared.context" in loaded
    assert {h for h in HEAVY if any(m == h or m.startswith(f"{h}.") for m in loaded)} == set()
