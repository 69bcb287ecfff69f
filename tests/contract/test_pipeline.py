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
    path.relative_to(ROOT).as_posix(): yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / "cloudbuild.yaml", *sorted((ROOT / "terraform").glob("*cloudbuild.yaml")))
}
BUILD = BUILDS["cloudbuild.yaml"]
PLAN, RELEASE = BUILDS["terraform/cloudbuild.yaml"], BUILDS["terraform/release.cloudbuild.yaml"]
CONTRACT, BRANCH = BUILDS["terraform/contract.cloudbuild.yaml"], BUILDS["terraform/branch.cloudbuild.yaml"]
OPERATE = ROOT / "terraform" / "operate"
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


def _steps(build):
    return {step["id"]: step for step in build["steps"]}


def test_what_is_released_is_the_plan_that_was_shown():
    plan, release = _steps(PLAN), _steps(RELEASE)
    assert list(plan) == ["bundle", "init", "plan", "keep", "ask"]
    assert plan["bundle"]["args"] == ["bundle"]
    assert "bundle" in TARGETS
    out = next(a for a in plan["plan"]["args"] if a.startswith("-out="))
    assert f"terraform/{out.removeprefix('-out=')}" in plan["keep"]["args"]
    assert plan["keep"]["args"][-1] == "gs://${_STATE_BUCKET}/releases/${COMMIT_SHA}/"
    assert 'gs://$_STATE_BUCKET/releases/$COMMIT_SHA/release.tfplan" terraform/' in release["fetch"]["script"]
    assert release["apply"]["args"][-1] == out.removeprefix("-out=")
    assert release["init"]["args"] == plan["init"]["args"]
    given = {a.removeprefix("-var=").partition("=")[0] for a in plan["plan"]["args"] if a.startswith("-var=")}
    variables = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    declared = set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE))
    assert {"project", "project_number", "domain"} <= given <= declared


def test_a_release_expands_and_pins_before_it_applies_and_moves_traffic_last():
    steps = _steps(RELEASE)
    assert list(steps) == ["fetch", "image", "expand", "pin", "init", "apply", "enrol", "traffic"]
    assert "operate migrations -m tools.migrate --expand" in steps["expand"]["script"]
    assert steps["enrol"]["script"] == steps["expand"]["script"]
    assert "--contract" not in str(RELEASE)
    assert list(_steps(CONTRACT)) == ["settled", "contract"]
    assert "operate migrations -m tools.migrate --contract" in _steps(CONTRACT)["contract"]["script"]


@pytest.mark.parametrize("path", BUILDS)
def test_every_terraform_is_the_same_and_every_script_stops_at_an_error(path):
    for step in BUILDS[path]["steps"]:
        assert "terraform" not in step["name"] or step["name"] == "hashicorp/terraform:1.11.4"
        script = step.get("script", "")
        if script:
            lines = script.splitlines()
            assert (lines[0], lines[1]) in (
                ("#!/bin/sh", "set -eu"),
                ("#!/usr/bin/env bash", "set -euo pipefail"),
            )
            shell = "sh" if lines[0] == "#!/bin/sh" else "bash"
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("path", BUILDS)
def test_commands_of_ours_in_the_builds_are_there(path):
    for name in re.findall(r"-m (tools\.\w+)", str(BUILDS[path])):
        place = ROOT / name.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


@pytest.fixture
def gcloud(tmp_path: Path) -> Path:
    """A folder with a `gcloud` that notes what it was asked, and knows a network where NETWORK is set."""
    program = tmp_path / "gcloud"
    program.write_text(
        '#!/bin/sh\necho "$*" >> "$(dirname "$0")/asked"\n'
        'case "$*" in *subnets*) [ -n "$NETWORK" ] || exit 1;; esac\n'
    )
    program.chmod(0o755)
    return tmp_path


def _operate(folder: Path, *arguments: str, **settings: str) -> tuple[int, list[str]]:
    told = {"PROJECT": "p", "NUMBER": "1", "REGION": "r", "IMAGE": "i:1", "DEPLOYER": "d@p", **settings}
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    run = subprocess.run([OPERATE, *arguments], env={**told, **path}, capture_output=True, text=True)
    return run.returncode, (folder / "asked").read_text().splitlines()


def test_before_the_first_deployment_there_is_nothing_to_operate_on(gcloud):
    status, asked = _operate(gcloud, "migrations", "-m", "tools.migrate", "--expand")
    assert (status, len(asked)) == (0, 1)


@pytest.mark.parametrize(
    ("job", "command", "wanted", "unwanted"),
    [
        (
            "migrations",
            ["-m", "tools.migrate", "--expand"],
            [
                "--args=^~^-m~tools.migrate~--expand ",
                "migrations@p.iam",
                "private-ranges-only",
                "migrations-url",
            ],
            ["d@p"],
        ),
        (
            "traffic",
            ["-m", "tools.release", "run"],
            ["--args=^~^-m~tools.release~run~--number=1~--region=r ", "=d@p", "=all-traffic"],
            ["migrations-url", "key-pepper"],
        ),
    ],
)
def test_a_command_runs_in_the_network_with_no_more_than_it_needs(gcloud, job, command, wanted, unwanted):
    status, asked = _operate(gcloud, job, *command, NETWORK="there")
    assert status == 0
    assert asked[-1].startswith(f"run jobs deploy {job} ")
    assert [word for word in [*wanted, "--network=imangor", "--wait", "i:1"] if word not in asked[-1]] == []
    assert [word for word in unwanted if word in asked[-1]] == []


def test_no_other_job_is_made(gcloud):
    status, asked = _operate(gcloud, "anything", NETWORK="there")
    assert (status, len(asked)) == (2, 1)


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
