"""Fetch pinned files of an npm package: python -m tools.reference [--to FOLDER] [--pins FILE].

Without `--pins` they are those of the reference page. Takes the package that the pins name from npm's
configured registry, or where there is no npm from the public one, checks its integrity and each file's hash,
and keeps only these files. Does nothing when all are there.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import requests

from shared.reference.page import PINS

REGISTRY = "https://registry.npmjs.org"
DEFAULT = Path(__file__).parent.parent / "build" / "reference"


class NotFetched(Exception):
    """The files could not be fetched; the message says why."""


def wrong(folder: Path, files: dict[str, str]) -> list[str]:
    """The files that are missing, or not the pinned ones."""
    return [name for name, pin in files.items() if _hash(folder / name) != pin]


def fetch(folder: Path, pins: Path = PINS) -> list[str]:
    """Bring `folder` to hold the pinned files; the names of those that were fetched. Raises `NotFetched`."""
    pinned = json.loads(pins.read_text(encoding="utf-8"))
    wanted = wrong(folder, pinned["files"])
    if wanted:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            _extract(_download(pinned, Path(scratch)), wanted, folder)
        if still := wrong(folder, pinned["files"]):
            raise NotFetched(f"not the pinned files: {', '.join(still)}")
    return wanted


def _download(pinned: dict[str, Any], to: Path) -> Path:
    name, version = pinned["package"], pinned["version"]
    package = to / f"{name}-{version}.tgz"
    if shutil.which("npm"):
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
        done = subprocess.run(command, cwd=to, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode or not package.is_file():
            raise NotFetched(f"npm does not fetch the package: {done.stderr.strip()[-300:]}")
    else:
        answer = requests.get(f"{REGISTRY}/{name}/-/{package.name}", timeout=60)
        answer.raise_for_status()
        package.write_bytes(answer.content)
    digest = hashlib.sha512(package.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != pinned["integrity"]:
        raise NotFetched("the package is not the pinned one")
    return package


def _extract(package: Path, names: list[str], folder: Path) -> None:
    with tarfile.open(package) as archive:
        for name in names:
            file = archive.extractfile(f"package/{name}")
            if file is not None:
                (folder / name).write_bytes(file.read())


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def main(argv: list[str] | None = None) -> int:
    """Fetch what is missing; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=DEFAULT, metavar="FOLDER")
    parser.add_argument("--pins", type=Path, default=PINS, metavar="FILE")
    options = parser.parse_args(argv)
    try:
        fetched = fetch(options.to, options.pins)
    except (NotFetched, subprocess.TimeoutExpired, requests.RequestException) as error:
        print(f"{options.to} could not be filled: {error}", file=sys.stderr)
        return 1
    if fetched:
        print(f"Fetched {len(fetched)} files into {options.to}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
