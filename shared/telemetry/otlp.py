"""Sends spans by OTLP over HTTP: to Cloud Trace (telemetry.googleapis.com), or to any other collector.

A thread of its own takes them from a queue and sends what waits in one message. Nothing here delays or fails
a request: what does not fit, and what cannot be sent at once, is dropped. The encoding is OpenTelemetry's own
(`opentelemetry-proto`), loaded by the thread when there is something to send.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
import urllib.request
from typing import Any, Final

from shared.core.config import RevisionSettings
from shared.core.metrics import Metric, count
from shared.core.tracing import Span

SECONDS: Final = 5.0
"""For one message to be taken; at the end of the process all of them together have `_LAST` seconds."""

_LAST: Final = 2.0
_WAITING: Final = 200
_AT_ONCE: Final = 50
_SCOPE: Final = "https://www.googleapis.com/auth/trace.append"

_log = logging.getLogger(__name__)


class SpanExporter:
    """Takes the spans of each request that ended. Make one for the process."""

    def __init__(self, url: str, project: str) -> None:
        """`url` takes OTLP messages; by https with Google's credentials, by http with none.

        Nothing is connected, loaded or started before the first spans.
        """
        self._url, self._project = url, project
        self._queue: queue.Queue[list[Span]] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._credentials: Any = None

    def take(self, spans: list[Span]) -> None:
        """Send the spans of one request, the outermost last, at some time; or drop them."""
        try:
            self._queue.put_nowait(spans)
        except queue.Full:
            count(Metric.SPANS_DROPPED, len(spans))
            return
        if self._thread is None:
            self._start()

    def flush(self, seconds: float = _LAST) -> None:
        """Wait until all that was taken is sent or dropped, at most so long."""
        until = time.monotonic() + seconds
        while self._queue.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="spans", daemon=True)
                self._thread.start()
                atexit.register(self.flush)

    def _work(self) -> None:
        while True:
            batches = [self._queue.get()]
            while len(batches) < _AT_ONCE and not self._queue.empty():
                batches.append(self._queue.get())
            try:
                self._send(encoded(batches, self._project))
            except Exception as error:
                count(Metric.SPANS_DROPPED, sum(map(len, batches)))
                _log.warning("spans were not sent", extra={"fields": {"error": type(error).__name__}})
            finally:
                for _ in batches:
                    self._queue.task_done()

    def _send(self, message: bytes) -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        if self._url.startswith("https:"):
            self._authorize(headers)
        request = urllib.request.Request(self._url, message, headers)  # noqa: S310 - the deployment's own setting
        urllib.request.urlopen(request, timeout=SECONDS).close()  # noqa: S310

    def _authorize(self, headers: dict[str, str]) -> None:
        import google.auth
        from google.auth.transport.requests import Request

        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        self._credentials.before_request(Request(), "POST", self._url, headers)


def encoded(batches: list[list[Span]], project: str) -> bytes:
    """An ExportTraceServiceRequest of the spans of several requests; each ends with its outermost span."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    for spans in batches:
        group = request.resource_spans.add()
        function = spans[-1].attributes.get("imangor.function", "imangor")
        version = RevisionSettings.load().k_revision
        resource = {"service.name": function, "service.version": version, "gcp.project_id": project}
        _attributes(group.resource, resource)
        scope = group.scope_spans.add()
        scope.scope.name = "imangor"
        for span in spans:
            _write(scope.spans.add(), span)
    serialized: bytes = request.SerializeToString()  # type: ignore[no-untyped-call]
    return serialized


def _write(out: Any, span: Span) -> None:
    out.trace_id = bytes.fromhex(span.trace.id)
    out.span_id = bytes.fromhex(span.id)
    out.parent_span_id = bytes.fromhex(span.parent_id or "")
    out.name, out.kind = span.name, int(span.kind)
    out.start_time_unix_nano, out.end_time_unix_nano = span.began, span.ended
    _attributes(out, span.attributes)
    if span.error is not None:
        out.status.code = out.status.STATUS_CODE_ERROR
        out.status.message = span.error


def _attributes(out: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        attribute = out.attributes.add()
        attribute.key = name
        if isinstance(value, bool):
            attribute.value.bool_value = value
        elif isinstance(value, int):
            attribute.value.int_value = value
        elif isinstance(value, float):
            attribute.value.double_value = value
        else:
            attribute.value.string_value = str(value)
