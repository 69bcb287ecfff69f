"""Terraform's files as plain data, by HashiCorp's own parser in WebAssembly, which runs in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TERRAFORM = ROOT / "terraform"
_SOURCE = Path(__file__).resolve().parent / "hcl2json"
_INSTALLED = ROOT / "build" / "hcl2json"


class NoParser(Exception):
    """HCL cannot be parsed here; the message says what is missing."""


def parse(files: list[Path]) -> dict[Path, dict[str, Any]]:
    """Each file as a mapping: `resource` by type and name, `locals`, and so on; blocks are lists of mappings.

    Expressions stay text, in `${…}`. Installs the parser at its first use. Raises `NoParser` where Node or
    npm is missing or the parser cannot be fetched, and ValueError where a file is not HCL.
    """
    _install()
    texts = {str(path): path.read_text(encoding="utf-8") for path in files}
    command = ["node", str(_INSTALLED / "parse.js")]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"HCL cannot be parsed: {done.stderr.strip()[-500:]}")
    return {Path(name): parsed for name, parsed in json.loads(done.stdout).items()}


@cache
def modules() -> dict[Path, dict[str, Any]]:
    """Each module's files as one mapping, as Terraform sees them, by the module's folder. See `parse`."""
    merged: dict[Path, dict[str, Any]] = {}
    for path, parsed in parse(sorted(TERRAFORM.rglob("*.tf"))).items():
        for block, content in parsed.items():
            _merge(merged.setdefault(path.parent, {}), block, content)
    return merged


def _merge(merged: dict[str, Any], block: str, content: Any) -> None:
    if isinstance(content, list):
        merged.setdefault(block, []).extend(content)
        return
    for label, inner in content.items():
        known = merged.setdefault(block, {})
        known[label] = {**known.get(label, {}), **inner} if isinstance(inner, dict) else inner


def _install() -> None:
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        raise NoParser(f"not installed: {', '.join(missing)} (Debian: apt-get install nodejs npm)")
    wanted = [path for path in _SOURCE.iterdir() if path.is_file()]
    if all(_same(path, _INSTALLED / path.name) for path in wanted):
        return
    _INSTALLED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_INSTALLED.parent) as folder:
        made = Path(folder) / "made"
        shutil.copytree(_SOURCE, made, ignore=shutil.ignore_patterns("node_modules"))
        _fetch(made)
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        made.rename(_INSTALLED)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _fetch(folder: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    except subprocess.TimeoutExpired:
        raise NoParser("npm does not fetch the parser: no answer in two minutes") from None
    except subprocess.CalledProcessError as error:
        raise NoParser(
            f"npm cannot fetch the parser: {(error.stderr or error.stdout).strip()[-300:]}"
        ) from None
