"""System packages of the local engines: what is missing, what that costs, and how to get it.

Run as `python -m local.packages` to install what is missing, with `--check` only to look. For Debian 12 and
13 and Ubuntu 24.04 (there from universe). Looks at programs and their data, so any way of installing counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from local.engines import apertium, tesseract

_LOCK_WAIT = "DPkg::Lock::Timeout=300"
_SCRIPTS = {
    "rus": "Russian",
    "ukr": "Ukrainian",
    "ara": "Arabic",
    "heb": "Hebrew",
    "ell": "Greek",
    "hin": "Hindi",
    "kor": "Korean",
    "tha": "Thai",
}
_PAIRS = {
    "apertium-eng-spa": ("en", "es", "English and Spanish"),
    "apertium-eng-cat": ("en", "ca", "English and Catalan"),
    "apertium-en-gl": ("en", "gl", "English and Galician"),
    "apertium-fr-es": ("fr", "es", "French and Spanish"),
    "apertium-es-pt": ("es", "pt", "Spanish and Portuguese"),
    "apertium-spa-ita": ("es", "it", "Spanish and Italian"),
    "apertium-spa-cat": ("es", "ca", "Spanish and Catalan"),
}


@dataclass(frozen=True)
class Missing:
    """A Debian package that is not there, and what cannot be done without it."""

    package: str
    loss: str


def missing() -> list[Missing]:
    """What the local engines lack on this machine; empty when nothing is degraded."""
    return _missing_for_pictures() + _missing_for_translation()


def _missing_for_pictures() -> list[Missing]:
    present = tesseract.installed()
    lacking = (
        []
        if present
        else [
            Missing(
                "tesseract-ocr",
                "pictures in Cyrillic, Arabic, Hebrew, Greek, Indic, Korean and Thai script cannot be read",
            )
        ]
    )
    return lacking + [
        Missing(tesseract.package_of(code), f"pictures in {name} cannot be read")
        for code, name in _SCRIPTS.items()
        if code not in present
    ]


def _missing_for_translation() -> list[Missing]:
    present = apertium.installed()
    lacking = [] if present else [Missing("apertium", "nothing can be translated")]
    return lacking + [
        Missing(package, f"nothing can be translated between {name}")
        for package, (source, target, name) in _PAIRS.items()
        if apertium.mode_for(source, target, present) is None
    ]


def command(packages: Sequence[str]) -> str:
    """What a person types to install the packages."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    install = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    return f"{sudo}apt-get update && {sudo}{install}"


def install(packages: Sequence[str]) -> bool:
    """Install by apt-get as root or by passwordless sudo; False where that may not be or did not work.

    Packages that the distribution does not have are left out, so that they cannot hold up the others.
    """
    prefix = _authority()
    if prefix is None:
        return False
    # Without network the lists at hand may still do.
    _run([*prefix, "apt-get", "-q", "-o", _LOCK_WAIT, "update"])
    known = [package for package in packages if _known(package)]
    if not known:
        return False
    flags = ["-q", "-o", _LOCK_WAIT, "install", "-y", "--no-install-recommends"]
    return _run([*prefix, "apt-get", *flags, *known])


def _authority() -> list[str] | None:
    """What goes before apt-get to be allowed to install; None where this process may not."""
    if shutil.which("apt-get") is None:
        return None
    frontend = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return frontend
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n", *frontend]
    return None


def _known(package: str) -> bool:
    run = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package], capture_output=True, check=False
    )
    return run.returncode == 0


def _run(arguments: Sequence[str]) -> bool:
    return subprocess.run(list(arguments), check=False, stdin=subprocess.DEVNULL).returncode == 0


def report(lacking: Sequence[Missing]) -> list[str]:
    """Lines for people: what is degraded, by which package, and what to type."""
    if not lacking:
        return ["Local engines: all system packages are present."]
    lines = [f"Local engines: {item.loss} ({item.package} is missing)" for item in lacking]
    packages = [item.package for item in lacking]
    if shutil.which("apt-get") is None:
        return [*lines, f"Install these packages of Debian in your system's way: {' '.join(packages)}"]
    return [*lines, f"To install: {command(packages)}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, install unless told only to check, and tell; 0 when nothing is missing any more."""
    parser = argparse.ArgumentParser(prog="python -m local.packages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only look, install nothing")
    options = parser.parse_args(arguments)
    lacking = missing()
    if lacking and not options.check:
        install([item.package for item in lacking])
        lacking = missing()
    print("\n".join(report(lacking)), flush=True)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
