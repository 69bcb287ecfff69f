"""The engines of this cloud and what they counted."""

from __future__ import annotations

import sys
from typing import Any

from local.services.environment import Addresses
from local.services.supervisor import Service
from local.state import REPOSITORY, State, read_json


def vision(state: State, at: Addresses) -> Service:
    """Vision over RapidOCR and Tesseract; reads `gs://` pictures from the storage emulator."""
    storage = ["--storage", f"http://127.0.0.1:{at.storage}"]
    return _engine("vision", at.vision, [*_common("vision", state), *storage])


def translation(state: State, at: Addresses) -> Service:
    """Translation v3 over Apertium."""
    return _engine("translation", at.translation, _common("translation", state))


def counters(state: State) -> dict[str, Any]:
    """What each engine has counted since the state folder was made."""
    return {path.stem: read_json(path) for path in sorted((state.engines / "counters").glob("*.json"))}


def _common(name: str, state: State) -> list[str]:
    return [sys.executable, "-m", f"local.engines.{name}", "--port", "{port}", "--state", str(state.engines)]


def _engine(name: str, port: int, argv: list[str]) -> Service:
    return Service(name=name, argv=argv, port=port, cwd=REPOSITORY, patience=120)
