"""Spans leave in OpenTelemetry's own encoding, and never at the cost of a request."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local.traces.store import TraceStore
from local.traces.tree import lines
from shared.core import tracing
from shared.core.tracing import Kind, Parent
from shared.telemetry.otlp import SpanExporter, encoded

CALLER = Parent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)


@pytest.fixture
def spans():
    """One request's."""
    kept = []
    tracing.export_to(kept.extend)
    with tracing.serving("POST create_job", Kind.SERVER, CALLER) as root:
        root.set({"imangor.function": "jobs", "imangor.job": "job_1", "http.response.status_code": 201})
        with tracing.span("SELECT jobs", Kind.CLIENT, {"db.system.name": "postgresql"}) as select:
            select.error = "Timeout"
    tracing.export_to(None)
    return kept


@pytest.fixture
def collector():
    """An HTTP server that keeps what it is sent, and answers as it is told."""
    got, answer = [], {"status": 200, "wait": 0.0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(answer["wait"])
            self.send_response(answer["status"])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got, answer
    server.shutdown()
    server.server_close()


def test_a_message_says_whose_spans_these_are(spans):
    request = ExportTraceServiceRequest.FromString(encoded([spans], "p"))
    (group,) = request.resource_spans
    about = {a.key: a.value.string_value for a in group.resource.attributes}
    assert about == {"service.name": "jobs", "service.version": "local", "gcp.project_id": "p"}
    select, root = group.scope_spans[0].spans
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (CALLER.trace_id, CALLER.span_id)
    assert (root.name, root.kind, select.kind) == ("POST create_job", 2, 3)
    assert select.parent_span_id == root.span_id
    assert (select.status.code, select.status.message) == (2, "Timeout")
    assert {a.key: a.value.int_value for a in root.attributes}["http.response.status_code"] == 201


def test_what_was_taken_is_sent(spans, collector):
    url, got, _ = collector
    exporter = SpanExporter(url, "p")
    exporter.take(spans)
    exporter.flush(5)
    assert [len(ExportTraceServiceRequest.FromString(m).resource_spans) for m in got] == [1]


def test_a_collector_that_is_slow_or_refuses_costs_spans_and_no_time(spans, collector, caplog):
    url, _, answer = collector
    answer.update(wait=0.3, status=500)
    exporter = SpanExporter(url, "p")
    began = time.monotonic()
    for _ in range(300):
        exporter.take(spans)
    assert time.monotonic() - began < 0.25
    with caplog.at_level("INFO"):
        exporter.flush(5)
    assert any(getattr(r, "fields", {}).get("metric") == "spans_dropped" for r in caplog.records)


def test_nobody_there_is_no_error(spans):
    exporter = SpanExporter("http://127.0.0.1:1/v1/traces", "p")
    exporter.take(spans)
    exporter.flush(5)


def test_the_local_store_shows_a_job_s_spans_as_a_tree(spans, tmp_path):
    store = TraceStore(tmp_path / "traces.sqlite")
    assert store.add(encoded([spans], "p")) == store.add(encoded([spans], "p")) == 2
    assert store.traces_of("job_1") == [CALLER.trace_id]
    assert store.traces_of("job_2") == []
    drawn = [line.split("  ")[-1].strip() for line in lines(store.spans(CALLER.trace_id))]
    assert drawn == ["└─ POST create_job [jobs] status=201", "└─ SELECT jobs failed: Timeout"]
    with pytest.raises(ValueError, match="no ExportTraceServiceRequest"):
        store.add(b"\xff\xff")
