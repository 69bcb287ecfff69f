"""What continuous integration runs is there, and on the Python that the functions run on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".ci" / "run"
BUILDS = {
    path: yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    for path in ("cloudbuild.yaml", "terraform/cloudbuild.yaml")
}
BUILD, DEPLOY = BUILDS.values()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", BUILDS)
def test_cloud_build_understands_its_files(path):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild"]
    run = subprocess.run([*check, str(ROOT / path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_cloud_build_runs_on_the_functions_python():
    defaults = yaml.safe_load((ROOT / "functions" / "defaults.yaml").read_text(encoding="utf-8"))
    version = re.fullmatch(r"python(\d)(\d+)", defaults["runtime"])
    assert version
    images = {
        step["name"]
        for build in BUILDS.values()
        for step in build["steps"]
        if step.get("entrypoint") == "make"
    }
    assert images == {f"python:{version[1]}.{version[2]}-bookworm"}
    (image,) = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert image == f"python:{version[1]}.{version[2]}-slim-bookworm"


def test_cloud_build_checks_and_tests_by_make():
    assert [(s["id"], s["entrypoint"], s["args"]) for s in BUILD["steps"]] == [
        ("check", "make", ["check"]),
        ("test", "make", ["test"]),
    ]
    assert {"check", "test"} <= TARGETS


def test_a_deployment_bundles_plans_and_applies_what_it_planned():
    steps = {step["id"]: step for step in DEPLOY["steps"]}
    assert list(steps) == ["bundle", "init", "plan", "apply"]
    assert steps["bundle"]["args"] == ["bundle"]
    assert "bundle" in TARGETS
    assert {steps[name]["name"] for name in ("init", "plan", "apply")} == {"hashicorp/terraform:1.11.4"}
    assert steps["apply"]["args"][-1] in {a.removeprefix("-out=") for a in steps["plan"]["args"]}
    given = {
        a.removeprefix("-var=").partition("=")[0] for a in steps["plan"]["args"] if a.startswith("-var=")
    }
    variables = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    declared = set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE))
    assert {"project", "project_number", "domain"} <= given <= declared


def test_continuous_integration_is_a_program_without_errors_of_syntax():
    assert os.access(RUN, os.X_OK)
    subprocess.run(["bash", "-n", RUN], check=True)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs in which `make` only tells what it was asked, and fails on demand."""
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "make $* CI=$CI"\n[ -t 0 ] || cat\nexit ${MAKE_STATUS:-0}\n')
    make.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("status", [0, 2])
def test_continuous_integration_passes_on_how_it_ended(programs, status):
    path = f"{programs}:{os.environ['PATH']}"
    run = subprocess.run(
        [RUN],
        cwd="/",
        env={"PATH": path, "MAKE_STATUS": str(status)},
        input="never read",
        capture_output=True,
        text=True,
    )
    assert run.returncode == status
    assert run.stdout == "make check test CI=true\n"
