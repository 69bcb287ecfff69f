"""What recording a request costs it: python -m bench.tracing [--rounds N] [--check].

Accepts jobs as `bench.accept` does, in turns with and without a recorded trace around it; the spans of the
first go to a collector, by the exporter's own thread. `--check` fails where the ratio of the medians is above
its bar.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

from bench.accept import by_service, durable, measure
from shared.core import tracing
from shared.core.tracing import Kind, Parent
from shared.telemetry.otlp import SpanExporter

BAR: Final = 1.15


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def within(accept: Callable[[], None], *, sampled: bool) -> Callable[[], None]:
    """Accept a job as a part of a trace that is recorded, or is not."""

    def request() -> None:
        with tracing.serving("bench", Kind.SERVER, Parent("a" * 32, "b" * 16, sampled)):
            accept()

    return request


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracing", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--check", action="store_true", help="fail above the bar")
    options = parser.parse_args(arguments)
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept: list[int] = []
    exporter = SpanExporter(f"http://127.0.0.1:{server.server_port}/v1/traces", "bench")

    def take(spans: list[tracing.Span]) -> None:
        kept.append(len(spans))
        exporter.take(spans)

    tracing.export_to(take)
    with durable() as (account, _):
        accept = by_service(account)
        ways = {"plain": within(accept, sampled=False), "recorded": within(accept, sampled=True)}
        times = {name: statistics.median(each) for name, each in measure(ways, options.rounds).items()}
    ratio = times["recorded"] / times["plain"]
    print(f"plain      {times['plain']:6.2f} ms\nrecorded   {times['recorded']:6.2f} ms, {kept[-1]} spans")
    print(f"ratio      {ratio:6.2f}      of {BAR}")
    return 1 if options.check and ratio > BAR else 0


if __name__ == "__main__":
    sys.exit(main())
