"""A gRPC server that answers some methods of a Google service and refuses the others by name."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

LARGEST_MESSAGE = 64 * 1024 * 1024


class Refusal(Exception):
    """A call is answered with an error: a gRPC code, a message, and the request's fields at fault."""

    def __init__(self, code: grpc.StatusCode, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, dict(fields or {})

    def status(self) -> status_pb2.Status:
        """The error as Google's services send it, with a BadRequest when fields are named."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.fields:
            bad = error_details_pb2.BadRequest()
            for field, description in self.fields.items():
                bad.field_violations.add(field=field, description=description)
            status.details.add().Pack(bad)
        return status


def invalid(message: str, **fields: str) -> Refusal:
    """An INVALID_ARGUMENT refusal; `fields` maps a field's name to what is wrong with it."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message, fields)


def unimplemented(what: str) -> Refusal:
    """An UNIMPLEMENTED refusal that names what the local engine lacks."""
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, f"The local engine does not implement {what}.")


class Method:
    """One method: the request's message class, what answers it, and the largest request in bytes."""

    def __init__(
        self, request: type[Message], answer: Callable[[Any], Message], largest: int = LARGEST_MESSAGE
    ) -> None:
        self._request, self._answer, self._largest = request, answer, largest

    def __call__(self, payload: bytes, context: grpc.ServicerContext) -> bytes:
        """Parse, answer, serialize; a `Refusal` becomes the call's status."""
        try:
            return self._answered(payload).SerializeToString()
        except Refusal as refusal:
            details = (("grpc-status-details-bin", refusal.status().SerializeToString()),)
            context.set_trailing_metadata(details)
            context.abort(refusal.code, refusal.message)
            raise

    def _answered(self, payload: bytes) -> Message:
        if len(payload) > self._largest:
            raise invalid(f"Request payload size exceeds the limit: {self._largest} bytes.")
        try:
            return self._answer(self._request.FromString(payload))
        except DecodeError:
            raise invalid("Request contains an invalid argument.") from None


class _Service(grpc.GenericRpcHandler):
    def __init__(self, name: str, methods: Mapping[str, Method]) -> None:
        self._name, self._methods = name, methods

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler | None:
        """The handler of a call to this service; None leaves the call to grpc's own refusal."""
        service, _, method = handler_call_details.method.strip("/").rpartition("/")
        if service != self._name:
            return None
        return grpc.unary_unary_rpc_method_handler(self._methods.get(method) or _missing(method))


def _missing(method: str) -> Method:
    def refuse(_: Any) -> Message:
        raise unimplemented(f"the method {method}")

    return Method(status_pb2.Status, refuse)


def serve(name: str, methods: Mapping[str, Method], port: int, workers: int = 8) -> None:
    """Answer `methods` of service `name` on loopback `port` until SIGTERM.

    Raises RuntimeError when the port is taken. The port opens last: an open port means ready.
    """
    limits = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(ThreadPoolExecutor(workers), options=limits)
    server.add_generic_rpc_handlers((_Service(name, methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    server.start()
    print(f"{name} answers on 127.0.0.1:{port}", flush=True)
    end.wait()
    server.stop(grace=1).wait()


def follow_parent() -> None:
    """End this process soon after the one that started it: an engine must not outlive a killed runner."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3)
    os._exit(1)
