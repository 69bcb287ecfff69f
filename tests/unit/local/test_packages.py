"""The finder looks at programs: each test lays its own programs on the path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from local import packages

LANGUAGES = ["eng", "rus", "ukr", "ara", "heb", "ell", "hin", "kor", "tha"]
MODES = ["eng-spa", "spa-eng", "eng-cat", "en-gl", "fr-es", "es-pt", "spa-ita", "spa-cat"]


class Machine:
    """A folder of programs that is the whole path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def tesseract(self, languages: list[str]) -> None:
        self.program("tesseract", f"printf '%s\\n' 'List of languages:' {' '.join(languages)}")

    def apertium(self, modes: list[str]) -> None:
        self.program("apertium", f"printf '  %s\\n' {' '.join(modes)}")

    def apt(self, installs: str = "", unknown: str = "none") -> None:
        self.program("env", 'shift; exec "$@"')
        self.program(
            "apt-get", f'echo "$@" >> {self.log}\ncase "$*" in *install*) {installs or "true"} ;; esac'
        )
        self.program("apt-cache", f'case "$*" in *{unknown}) exit 100 ;; esac')

    def typed(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return Machine(tmp_path)


def test_a_complete_machine_lacks_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.tesseract(LANGUAGES)
    machine.apertium(MODES)
    assert packages.missing() == []
    assert packages.main(["--check"]) == 0
    assert "all system packages are present" in capsys.readouterr().out


def test_what_is_missing_is_told_with_what_it_costs_and_what_to_type(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.apt()
    machine.tesseract(["eng"])
    machine.apertium(["eng-spa", "spa-eng"])
    assert packages.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert "pictures in Russian cannot be read (tesseract-ocr-rus is missing)" in told
    assert "nothing can be translated between French and Spanish (apertium-fr-es is missing)" in told
    assert "between English and Spanish" not in told
    assert "apt-get install -y --no-install-recommends tesseract-ocr-rus" in told
    assert machine.typed() == []


def test_an_empty_machine_lacks_the_programs_too(machine: Machine) -> None:
    lacking = {item.package: item.loss for item in packages.missing()}
    assert "Cyrillic" in lacking["tesseract-ocr"]
    assert lacking["apertium"] == "nothing can be translated"
    assert "apertium-eng-spa" in lacking


def test_installing_takes_lists_first_and_leaves_out_what_the_distribution_lacks(machine: Machine) -> None:
    machine.tesseract(LANGUAGES)
    machine.apertium(["eng-spa", "eng-cat", "en-gl", "fr-es", "es-pt"])
    machine.apt(unknown="apertium-spa-ita")
    packages.main([])
    update, install = machine.typed()
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends apertium-spa-cat")


def test_a_package_that_was_installed_is_no_longer_missing(machine: Machine) -> None:
    machine.apertium(MODES)
    machine.tesseract(LANGUAGES)
    complete = (machine.folder / "tesseract").read_text().replace("'", "'\\''")
    machine.tesseract([name for name in LANGUAGES if name != "tha"])
    machine.apt(installs=f"printf '%s' '{complete}' > {machine.folder / 'tesseract'}")
    assert packages.main([]) == 0


def test_without_root_and_sudo_nothing_is_run_and_the_command_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.apt()
    machine.program("sudo", "exit 1")
    assert packages.main([]) == 1
    assert machine.typed() == []
    assert "sudo apt-get update && sudo apt-get install -y" in capsys.readouterr().out


def test_passwordless_sudo_is_used(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.apt()
    machine.program("sudo", f'echo "sudo $@" >> {machine.log}\nshift; exec "$@"')
    machine.program("true", "exit 0")
    packages.main([])
    assert any("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get" in line for line in machine.typed())
