"""A TCP proxy in front of one service, which can hang, refuse, or cut a connection at a chosen moment."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

_CHUNK = 65536
_NO_LINGER = struct.pack("ii", 1, 0)


class Pair:
    """One client's connection and the one that continues it to the service."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.muted = False
        self.answered = threading.Event()
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        """Close both ends with an RST, as a peer that vanished does."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)
            end.close()


class TcpProxy:
    """Passes bytes between clients and a service on the loopback. `mode` is `pass`, `hang` or `refuse`."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._mode = "pass"
        self._lock = threading.Lock()
        self._open: set[Pair] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.struck = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and cut every connection."""
        self._mode = "refuse"
        self._listener.close()
        self.cut()

    def set(self, mode: str) -> None:
        """From now on pass, hang, or refuse; refusing also cuts what is open."""
        self._mode = mode
        if mode == "refuse":
            self.cut()

    def cut(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            pairs = list(self._open)
        for pair in pairs:
            pair.reset()

    def sent(self, pair: Pair, data: bytes) -> bool:
        """Look at what a client sends; False keeps it from being passed on."""
        return True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self._mode == "refuse":
            self.struck += 1
            Pair(client, client).reset()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream), timeout=10)
        except OSError:
            Pair(client, client).reset()
            return
        server.settimeout(None)
        pair = Pair(client, server)
        with self._lock:
            self._open.add(pair)
        back = threading.Thread(target=self._answers, args=(pair,), daemon=True)
        back.start()
        self._requests(pair)
        back.join()
        with self._lock:
            self._open.discard(pair)
        client.close()
        server.close()

    def _requests(self, pair: Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.client.recv(_CHUNK):
                self._hang()
                if self.sent(pair, data):
                    pair.server.sendall(data)
        with contextlib.suppress(OSError):
            pair.server.shutdown(socket.SHUT_WR)

    def _answers(self, pair: Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.server.recv(_CHUNK):
                if pair.muted:
                    pair.answered.set()
                else:
                    pair.client.sendall(data)
        pair.answered.set()
        with contextlib.suppress(OSError):
            pair.client.shutdown(socket.SHUT_RDWR)

    def _hang(self) -> None:
        if self._mode == "hang":
            self.struck += 1
        while self._mode == "hang":
            time.sleep(0.01)
