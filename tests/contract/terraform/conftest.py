from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.contract.terraform import rehearsal
from tools import hcl
from tools.hcl import TERRAFORM

ROOT = TERRAFORM.parent
PROJECT, NUMBER, REGION = "imangor-test", "123456789012", "europe-west4"
SETTINGS = {
    "APP_URL": "https://api.example.org",
    "MAIL_FROM": "no-reply@api.example.org",
    "INSTANCE_CONNECTION_NAME": f"{PROJECT}:{REGION}:imangor",
    "DATABASE_NAME": "imangor",
    "TOKEN_ISSUER": "https://imangor.example",
    "UPLOADS_BUCKET": f"{PROJECT}-uploads",
    "RESULTS_BUCKET": f"{PROJECT}-results",
}


@pytest.fixture(scope="session")
def modules() -> dict[Path, dict[str, Any]]:
    """Every module, by its folder."""
    try:
        return hcl.modules()
    except hcl.NoParser as missing:
        pytest.skip(f"Terraform's files are not looked into: {missing}")


@pytest.fixture(scope="session")
def root_module(modules: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    return modules[TERRAFORM]


@pytest.fixture(scope="session")
def function_module(modules: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    return modules[TERRAFORM / "modules" / "function"]


@pytest.fixture(scope="session")
def run_terraform() -> Any:
    """Runs Terraform in a folder; skips the test where there is none."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("Terraform 1.11 is not installed: what it makes of the manifests is not compared")
    quiet = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull}

    def run(folder: Path, *arguments: str) -> str:
        command = [program, *arguments]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    return run


@pytest.fixture(scope="session")
def derived(run_terraform: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Terraform itself makes of the manifests: the outputs of the module that has no provider."""
    folder = tmp_path_factory.mktemp("manifests")
    call = {
        "source": str(TERRAFORM / "modules" / "manifests"),
        "functions": str(ROOT / "functions"),
        "capabilities": str(TERRAFORM / "capabilities.yaml"),
        "project": PROJECT,
        "project_number": NUMBER,
        "region": REGION,
        "settings": SETTINGS,
    }
    content = {"module": {"it": call}, "output": {"it": {"value": "${module.it}"}}}
    (folder / "main.tf.json").write_text(json.dumps(content))
    run_terraform(folder, "init", "-input=false", "-no-color")
    run_terraform(folder, "apply", "-auto-approve", "-input=false", "-no-color")
    return json.loads(run_terraform(folder, "output", "-json", "it"))


@pytest.fixture(scope="session")
def rehearse(run_terraform: Any, modules: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives what every resource of one environment would be asked to be; see `rehearsal`."""
    folder = tmp_path_factory.mktemp("rehearsal")
    rehearsal.write(folder)
    for path in (ROOT / "functions").glob("*/function.yaml"):
        (folder / f"{path.parent.name}.zip").write_bytes(path.read_bytes())
    run_terraform(folder, "init", "-input=false", "-no-color")

    @cache
    def of(environment: str, *more: str) -> dict[str, dict[str, Any]]:
        context = {
            "project": PROJECT,
            "project_number": NUMBER,
            "region": REGION,
            "domain": "api.example.org",
        }
        values = [f"{name}={value}" for name, value in {**context, "bundles": folder}.items()]
        options = [
            f"-var-file={TERRAFORM}/envs/{environment}.tfvars",
            *(f"-var={v}" for v in (*values, *more)),
        ]
        run_terraform(folder, "plan", "-input=false", "-no-color", "-lock=false", "-out=plan", *options)
        return rehearsal.planned(json.loads(run_terraform(folder, "show", "-json", "plan")))

    return of
