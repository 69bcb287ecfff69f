"""Rule-based translation by the `apertium` command: which pairs are installed, and one text through one.

Text can never cross from one string, or one line of a string, to another: each is a process of its own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from functools import lru_cache
from typing import NamedTuple

from local.engines.tags import primary, two_letters

TIMEOUT = 30.0

_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})(?:_([A-Za-z0-9_]+))?")


class EngineFailed(Exception):
    """Apertium broke, hung, or printed nothing for a text."""


class Pair(NamedTuple):
    """A source and a target language as primary BCP-47 subtags; `variant` is of the target, such as BR."""

    source: str
    target: str
    variant: str


def modes(listing: str) -> dict[Pair, str]:
    """The translating modes in what `apertium -l` prints; taggers and experiments are left out."""
    found: dict[Pair, str] = {}
    for line in listing.split():
        if match := _MODE.fullmatch(line):
            source, target, variant = match.groups()
            found[Pair(two_letters(source), two_letters(target), (variant or "").lower())] = line
    return found


def installed() -> dict[Pair, str]:
    """The modes of this machine; empty without Apertium."""
    try:
        run = subprocess.run(["apertium", "-l"], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return modes(run.stdout)


def mode_for(source: str, target: str, available: dict[Pair, str]) -> str | None:
    """The mode that translates between two BCP-47 tags: the target's variant if there is one, else plain."""
    variants = [v.lower() for v in re.split("[-_]", target)[1:]]
    for variant in [*variants, ""]:
        if mode := available.get(Pair(primary(source), primary(target), variant)):
            return mode
    return None


@lru_cache(maxsize=20_000)
def run(mode: str, text: str, form: str = "txt") -> str:
    """Translate `text` by `mode`; `form` is txt or html. Raises `EngineFailed`.

    Results are remembered while the process lives: Apertium's answer depends on nothing else.
    """
    command = ["apertium", "-u", "-f", form, mode]
    # The wrapper is a shell with a pipeline behind it: a time-out must end the whole group.
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(text.encode() + b"\n", timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise EngineFailed(f"apertium {mode} took longer than {TIMEOUT:.0f} s") from None
    result = out.decode(errors="replace").strip()
    if process.returncode:
        raise EngineFailed(f"apertium {mode} ended with {process.returncode}: {err.decode()[:300].strip()}")
    if not result:
        raise EngineFailed(f"apertium {mode} printed nothing")
    return result
