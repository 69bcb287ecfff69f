"""Twenty pages of the picture bench, spread over scripts, backgrounds and layouts: nothing became worse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    "group",
    "erase",
    "residue",
    "standing",
    "outside",
    "overflow",
    "legible",
    "colour",
    "style",
    "glyphs",
    "terms",
]


def test_twenty_pages_are_as_good_as_they_were():
    command = [sys.executable, "-m", "bench.pictures", "--pages", "20", "--seed", "20", "--own-fonts"]
    command += ["--check", "gate", "--why", "--only", *ROWS]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stdout + run.stderr
