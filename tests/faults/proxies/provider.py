"""A provider's gRPC service, passed through byte for byte, with refusals and silences on demand."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

_LARGEST = 64 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_send_message_length", _LARGEST),
    ("grpc.max_receive_message_length", _LARGEST),
    ("grpc.so_reuseport", 0),
]


class ProviderProxy(grpc.GenericRpcHandler):
    """Counts the calls that arrive, by the method's short name, and those that are spoilt."""

    def __init__(self, upstream: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{upstream}", options=_OPTIONS)
        self._lock = threading.Lock()
        self._left = 0
        self._code: grpc.StatusCode | None = None
        self.calls: Counter[str] = Counter()
        self.spoilt = 0
        self._server = grpc.server(ThreadPoolExecutor(32), options=_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.stop(0)
        self._channel.close()

    def spoil(self, code: grpc.StatusCode | None, times: int = 1_000_000) -> None:
        """Answer the next calls with this code; None leaves them without an answer."""
        with self._lock:
            self._code, self._left = code, times

    def forget(self) -> None:
        """Pass everything on again."""
        self.spoil(None, 0)

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        """The handler of any method."""
        method = handler_call_details.method

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self._count(method)
            if self._taken():
                self._refuse(context)
            try:
                call = self._channel.unary_unary(method)
                return bytes(call(request, timeout=context.time_remaining(), wait_for_ready=True))
            except grpc.RpcError as error:
                failure: Any = error
                context.set_trailing_metadata(failure.trailing_metadata() or ())
                context.abort(failure.code(), failure.details() or "")
                raise

        return grpc.unary_unary_rpc_method_handler(answer)

    def _count(self, method: str) -> None:
        with self._lock:
            self.calls[method.rpartition("/")[2]] += 1

    def _taken(self) -> bool:
        with self._lock:
            if self._left <= 0:
                return False
            self._left -= 1
            self.spoilt += 1
            return True

    def _refuse(self, context: grpc.ServicerContext) -> None:
        if self._code is None:
            gone = threading.Event()
            if context.add_callback(gone.set):
                gone.wait(60)
            context.abort(grpc.StatusCode.CANCELLED, "")
        context.abort(self._code, "Rate Limit Exceeded")
