"""The only file that opens connections to customers.

A name is resolved once. Every address that it has is checked, and the connection is made to a checked
address, so that a second answer of the DNS changes nothing; the name goes into SNI and `Host`. Redirects and
the environment's proxies do not exist here. One deadline holds for all of it, however slowly the receiver
drips, and of its answer only the head is read: what follows says nothing that is needed.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from shared.webhooks.destinations import Address, Destination, Network, check, parse
from shared.webhooks.errors import BadResponse, ConnectionFailed, NameNotResolved, TimedOut, TlsFailed

if TYPE_CHECKING:
    import h11

TOTAL_SECONDS: Final = 20.0
"""From the first question to the DNS to the end of the answer's head."""

_RESOLVE_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 7.0
_MOST_ADDRESSES: Final = 3
_LONGEST_HEAD: Final = 16 * 1024
_PIECE: Final = 4096
_AGENT: Final = "Imangor-Webhooks/1.0"

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Answer:
    """What a receiver answered. `retry_after` is the header as it came."""

    status: int
    retry_after: str = ""


class Transport:
    """Sends messages. `networks` are allowed besides the public internet, on any port and by http, too."""

    def __init__(
        self,
        networks: tuple[Network, ...] = (),
        resolve: Resolve | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
        seconds: float = TOTAL_SECONDS,
    ):
        """`resolve` gives the addresses of a host and port; without one, the system does."""
        self._networks = networks
        self._resolve = resolve or system_addresses
        self._tls = tls or _verifying
        self._seconds = seconds

    def check(self, url: str) -> None:
        """Raise `DestinationRefused` or `NameNotResolved` where a message would not be sent now."""
        self._addresses(parse(url, self._networks), time.monotonic() + self._seconds)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send `body` and give the answer, whatever its status.

        Raises `DestinationRefused`, and a `NotDelivered` when there was no answer.
        """
        deadline = time.monotonic() + self._seconds
        destination = parse(url, self._networks)
        addresses = self._addresses(destination, deadline)
        with closing(self._connect(destination, addresses, deadline)) as connection:
            conversation = _conversation()
            request = _request(conversation, destination, headers, body)
            return _exchange(connection, conversation, request, deadline)

    def _addresses(self, destination: Destination, deadline: float) -> list[Address]:
        """The addresses to connect to; one that is refused refuses them all."""
        if destination.address is not None:
            return [destination.address]
        found = _in_time(lambda: self._resolve(destination.host, destination.port), _left(deadline))
        addresses = [ip_address(each) for each in dict.fromkeys(found)]
        for address in addresses:
            check(destination, address, self._networks)
        if not addresses:
            raise NameNotResolved()
        return addresses[:_MOST_ADDRESSES]

    def _connect(self, destination: Destination, addresses: list[Address], deadline: float) -> socket.socket:
        failure: Exception = ConnectionFailed()
        for address in addresses:
            try:
                return self._open(destination, address, deadline)
            except (ConnectionFailed, TimedOut) as error:
                failure = error
        raise failure

    def _open(self, destination: Destination, address: Address, deadline: float) -> socket.socket:
        try:
            plain = socket.create_connection(
                (str(address), destination.port), timeout=min(_left(deadline), _CONNECT_SECONDS)
            )
        except OSError as error:
            raise _meaning(error) from error
        if destination.scheme == "http":
            return plain
        try:
            plain.settimeout(_left(deadline))
            return self._tls().wrap_socket(plain, server_hostname=destination.host)
        except (OSError, TimedOut) as error:
            plain.close()
            raise _meaning(error) from error


def system_addresses(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver knows of a host."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _in_time(resolve: Callable[[], list[str]], seconds: float) -> list[str]:
    """Run the resolver, which has no time limit of its own, in a thread that is left alone if it hangs."""
    answer: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def look() -> None:
        try:
            answer.put(resolve())
        except (OSError, UnicodeError):
            answer.put([])

    threading.Thread(target=look, daemon=True).start()
    try:
        return answer.get(timeout=min(seconds, _RESOLVE_SECONDS))
    except queue.Empty:
        raise NameNotResolved("The receiver's name was not resolved in time.") from None


def _conversation() -> h11.Connection:
    import h11

    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)


def _request(
    conversation: h11.Connection, destination: Destination, headers: Mapping[str, str], body: bytes
) -> bytes:
    import h11

    fields = {
        "Host": destination.authority,
        "User-Agent": _AGENT,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    events = (
        h11.Request(method="POST", target=destination.target, headers=list(fields.items())),
        h11.Data(data=body),
        h11.EndOfMessage(),
    )
    return b"".join(conversation.send(event) or b"" for event in events)


def _exchange(
    connection: socket.socket, conversation: h11.Connection, request: bytes, deadline: float
) -> Answer:
    """Send the request and read the head of the answer, whatever comes before it."""
    import h11

    read = 0
    try:
        connection.settimeout(_left(deadline))
        connection.sendall(request)
        while not isinstance(event := conversation.next_event(), h11.Response):
            if event is h11.NEED_DATA and read <= _LONGEST_HEAD:
                connection.settimeout(_left(deadline))
                piece = connection.recv(_PIECE)
                read += len(piece)
                conversation.receive_data(piece)
            elif not isinstance(event, h11.InformationalResponse):
                raise BadResponse()
    except h11.RemoteProtocolError as error:
        raise (BadResponse() if read else ConnectionFailed()) from error
    except OSError as error:
        raise _meaning(error) from error
    given = dict(event.headers)
    return Answer(event.status_code, given.get(b"retry-after", b"").decode("ascii", "replace"))


def _left(deadline: float) -> float:
    """Seconds until the deadline; raises `TimedOut` when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimedOut()
    return seconds


def _meaning(error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return TimedOut()
    if isinstance(error, ssl.SSLError):
        return TlsFailed()
    return ConnectionFailed() if isinstance(error, OSError) else error


@cache
def _verifying() -> ssl.SSLContext:
    """One context for the process: making it loads every root certificate."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
