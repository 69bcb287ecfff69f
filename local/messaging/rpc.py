"""The gRPC surface: refusals with Google's codes, and one handler table for real protobuf messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc


class Refusal(Exception):
    """A call that ends with this gRPC status instead of an answer."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_found(name: str) -> Refusal:
    """The resource of this full name does not exist."""
    return Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name}).")


def invalid(message: str) -> Refusal:
    """The request is wrong whatever the state of the service."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def unsupported(operation: str) -> Refusal:
    """Google has this operation or field; this emulator does not."""
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, f"the local emulator does not implement {operation}")


@dataclass(frozen=True)
class Method:
    """A callable and the proto-plus request it takes; `streaming` ones get an iterator of requests."""

    handle: Callable[[Any, Any], Any]
    request: Any
    streaming: bool = False


class Handlers(grpc.GenericRpcHandler):
    """Answers every path: the ones in the table, and any other with UNIMPLEMENTED by name."""

    def __init__(self, methods: dict[str, Method]) -> None:
        self._methods = {path: _rpc(method) for path, method in methods.items()}

    def service(self, handler_call_details: Any) -> Any:
        """The handler of one call, as grpc asks for it."""
        path = handler_call_details.method
        return self._methods.get(path) or grpc.unary_unary_rpc_method_handler(_refuse(path))


def _rpc(method: Method) -> Any:
    parse = method.request.pb().FromString
    if method.streaming:
        return grpc.stream_stream_rpc_method_handler(_guard_stream(method.handle), parse, _serialise)
    return grpc.unary_unary_rpc_method_handler(_guard(method.handle), parse, _serialise)


def _serialise(message: Any) -> bytes:
    return message.SerializeToString()


def _guard(handle: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await handle(request, context)
        except Refusal as refusal:
            await context.abort(refusal.code, str(refusal))

    return call


def _guard_stream(handle: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    async def call(requests: Any, context: Any) -> Any:
        try:
            async for answer in handle(requests, context):
                yield answer
        except Refusal as refusal:
            await context.abort(refusal.code, str(refusal))

    return call


def _refuse(path: str) -> Callable[[bytes, Any], Awaitable[Any]]:
    async def call(_request: bytes, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(unsupported(path.lstrip("/"))))

    return call
