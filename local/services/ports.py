"""Loopback ports that stay the same from one start to the next."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from local.state import read_json, write_json

# Below the range that the kernel hands to outgoing connections: otherwise such a connection could take
# a service's port in the moment between its death and its restart.
_CHOICES = range(15000, 32000)


def assign(names: list[str], memory: Path) -> dict[str, int]:
    """A free port for each name, the remembered one wherever it is still free."""
    known = read_json(memory)
    held: dict[str, socket.socket] = {}
    try:
        for name in names:
            held[name] = _claim(known.get(name))
        ports = {name: int(s.getsockname()[1]) for name, s in held.items()}
    finally:
        for claimed in held.values():
            claimed.close()
    write_json(memory, {**known, **ports})
    return ports


def free() -> int:
    """One free port."""
    with _claim(None) as claimed:
        return int(claimed.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a service could listen there now."""
    try:
        with _claim(port) as claimed:
            return bool(claimed.getsockname()[1] == port)
    except OSError:
        return False


def _claim(wish: int | None) -> socket.socket:
    for port in [wish] if wish else []:
        if claimed := _bound(port):
            return claimed
    for port in random.SystemRandom().sample(_CHOICES, 200):
        if claimed := _bound(port):
            return claimed
    raise OSError("no free port on 127.0.0.1")


def _bound(port: int) -> socket.socket | None:
    claimed = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claimed.bind(("127.0.0.1", port))
        claimed.listen(1)
    except OSError:
        claimed.close()
        return None
    return claimed
