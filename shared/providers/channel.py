"""gRPC transports: Google's own endpoint, another one, or plain text to a local cloud."""

from __future__ import annotations

from typing import Any

from shared.core.config import Misconfigured

_UNLIMITED = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


def grpc_transport(transport_class: Any, endpoint: str | None, insecure: bool) -> Any:
    """Build a client library's gRPC transport for `endpoint` (host or host:port; None is Google's default).

    With `insecure` there are neither TLS nor credentials, and the endpoint must be given. Nothing connects
    before the first call. Raises `Misconfigured`.
    """
    if not insecure:
        return transport_class(host=endpoint) if endpoint else transport_class()
    if endpoint is None:
        raise Misconfigured("INSECURE_CHANNELS needs the endpoint of each service")
    from grpc import insecure_channel

    plain: Any = insecure_channel
    return transport_class(channel=plain(endpoint, options=_UNLIMITED))
