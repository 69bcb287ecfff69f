"""The manifests, their published schema and the functions beside them agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from shared.edge.manifest import Manifest, load, schema

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
SCENARIOS = ROOT / "tests" / "functions" / "scenarios"
FOLDERS = sorted(p.parent for root in (FUNCTIONS, SCENARIOS) for p in root.glob("*/function.yaml"))


def test_the_committed_schema_is_that_of_the_model():
    committed = json.loads((FUNCTIONS / "function.schema.json").read_text(encoding="utf-8"))
    assert committed == schema()
    jsonschema.Draft202012Validator.check_schema(committed)


def test_the_command_agrees():
    command = [sys.executable, "-m", "tools.manifests", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_each_manifest_is_sound_and_fits_the_schema(folder: Path):
    own = yaml.safe_load((folder / "function.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(own, schema())
    found = load(folder)
    assert found.name == folder.name
    assert (folder / "main.py").is_file()


@pytest.mark.parametrize("word", ["runtime", "name", "other"])
def test_the_schema_refuses_what_does_not_belong_into_a_function(word: str):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"kind": "http", word: "x"}, schema())


def test_the_defaults_give_everything_that_a_function_need_not_say():
    defaults = yaml.safe_load((FUNCTIONS / "defaults.yaml").read_text(encoding="utf-8"))
    needed = {name for name, field in Manifest.model_fields.items() if field.is_required()}
    assert needed - {"name", "kind"} == set(defaults)
