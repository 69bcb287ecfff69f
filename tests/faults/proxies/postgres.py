"""PostgreSQL's connection, cut while a chosen transaction commits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tests.faults.proxies.tcp import Pair, TcpProxy

_COMMIT = b"commit\x00"
_EXECUTE = b"E\x00\x00\x00\x09\x00"
_ANSWER_PATIENCE = 10.0


@dataclass(eq=False)
class Cut:
    """Reset the connection at the COMMIT of a transaction that sent `marker`.

    With `committed` the server gets the COMMIT and only its answer is lost; otherwise it never gets it.
    """

    marker: bytes
    committed: bool
    fired: threading.Event = field(default_factory=threading.Event)


class PostgresProxy(TcpProxy):
    """Watches what clients send: in PostgreSQL's protocol 3.0 statements and texts stand in clear."""

    def __init__(self, upstream: int) -> None:
        self._cuts: list[Cut] = []
        self._marked: WeakKeyDictionary[Pair, Cut] = WeakKeyDictionary()
        self._committing: set[Pair] = set()
        super().__init__(upstream)

    def cut_at_commit(self, marker: str, *, committed: bool) -> Cut:
        """Cut once, at the next COMMIT that follows `marker` on the same connection."""
        cut = Cut(marker.encode(), committed)
        self._cuts.append(cut)
        return cut

    def forget(self) -> None:
        """Cut nothing any more."""
        self._cuts.clear()
        self._marked.clear()
        self._committing.clear()

    def sent(self, pair: Pair, data: bytes) -> bool:
        """Notice a marker, then the COMMIT, and strike where it is executed."""
        for cut in self._cuts:
            if cut.marker in data and not cut.fired.is_set():
                self._marked[pair] = cut
        if pair not in self._marked:
            return True
        if _COMMIT in data.lower():
            self._committing.add(pair)
            simple = data.startswith(b"Q")
        else:
            simple = False
        if pair in self._committing and (simple or _EXECUTE in data):
            self._committing.discard(pair)
            self._strike(pair, data, self._marked.pop(pair))
            return False
        return True

    def _strike(self, pair: Pair, data: bytes, cut: Cut) -> None:
        if cut.committed:
            pair.muted = True
            pair.server.sendall(data)
            pair.answered.wait(_ANSWER_PATIENCE)
        cut.fired.set()
        pair.reset()
