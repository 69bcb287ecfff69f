"""Replies to requests that were not read to their end."""

from __future__ import annotations

import io

import pytest
from flask import Request, Response
from werkzeug.exceptions import ClientDisconnected

from shared.edge.transport import accept, unread


class Source(io.BytesIO):
    """A request's input that counts what is kept of it at a time, or breaks."""

    def __init__(self, content: bytes, breaks: bool = False) -> None:
        super().__init__(content)
        self.breaks, self.most = breaks, 0

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        self.most = max(self.most, len(chunk))
        if self.breaks and not chunk:
            raise LookupError("as a server may call it")
        return chunk


def request_with(source: Source, **environ: object) -> Request:
    request = Request({"REQUEST_METHOD": "POST", "wsgi.input": source, **environ})
    accept(request, 1000)
    return request


@pytest.mark.parametrize("breaks", [False, True])
def test_the_rest_of_the_request_is_dropped_in_small_pieces(breaks: bool):
    source = Source(b"x" * 3_000_000, breaks)
    response = unread(Response(b"too large", 413), request_with(source, **{"wsgi.input_terminated": True}))
    assert source.tell() == 3_000_000
    assert source.most <= 65536
    assert (response.get_data(), response.headers["Content-Length"]) == (b"too large", "9")


def test_an_endless_request_is_left_at_what_the_platform_lets_through():
    class Endless(Source):
        def read(self, size: int | None = -1) -> bytes:
            self.most += size or 0
            return b"x" * (size or 0)

    source = Endless(b"")
    unread(Response(b"", 413), request_with(source, **{"wsgi.input_terminated": True}))
    assert 32 * 2**20 <= source.most <= 33 * 2**20


def test_an_input_that_does_not_end_by_itself_is_not_waited_for():
    source = Source(b"x" * 10)
    unread(Response(b"", 413), request_with(source))
    assert source.tell() == 0


def test_content_that_the_server_cannot_read_is_the_clients_fault():
    request = request_with(Source(b"x" * 10, breaks=True), **{"wsgi.input_terminated": True})
    with pytest.raises(ClientDisconnected):
        request.get_data()
