"""Cloud Run's Admin API v2, Monitoring, IAM Credentials and the revisions themselves, on loopback, for tests.

Services are kept as the official client's messages and told as their JSON, so that a field the API does not
have cannot be sent or expected.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.cloud import run_v2

from shared.edge.manifest import Manifest

PROJECT, NUMBER, REGION = "imangor-test", "123456789012", "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
BY_REVISION = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
BY_LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST


@dataclass
class RunAdmin:
    """The state of a project's services, what was asked of their revisions, and what goes wrong."""

    manifests: dict[str, Manifest]
    services: dict[str, run_v2.Service] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    calls: dict[str, tuple[int, int]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)
    history: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    before_patch: Callable[[str], int | None] = lambda name: None
    address: str = ""
    _operations: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def deploy(self, name: str, *, ready: bool = True) -> str:
        """What a deployment does: a new revision, which serves at once where the service follows "latest"."""
        with self._lock:
            full = f"{PARENT}/services/{name}"
            service = self.services.setdefault(name, run_v2.Service(name=full, traffic=[_latest()]))
            revision = f"{name}-{service.generation + 1:05d}-abc"
            service.generation += 1
            service.latest_created_revision = f"{full}/revisions/{revision}"
            if ready:
                service.latest_ready_revision = service.latest_created_revision
            self._touch(name)
            return revision

    def shares(self, name: str) -> dict[str, int]:
        """Percents by revision and tag."""
        latest = self.services[name].latest_ready_revision.rpartition("/")[2]
        return {f"{t.revision or latest} {t.tag}".strip(): t.percent for t in self.services[name].traffic}

    def _touch(self, name: str) -> None:
        service = self.services[name]
        service.etag = f'"{int(service.etag.strip(chr(34)) or 0) + 1}"'
        service.uri = f"{self.address}/at/{name}/serving"
        service.traffic_statuses = [
            run_v2.TrafficTargetStatus(
                type_=t.type_,
                revision=t.revision,
                percent=t.percent,
                tag=t.tag,
                uri=f"{self.address}/at/{name}/{t.revision}" if t.tag else "",
            )
            for t in service.traffic
        ]

    def patch(self, name: str, mask: list[str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Update a service's traffic. The body must be a `Service` in the API's own JSON."""
        asked = run_v2.Service.from_json(json.dumps(body), ignore_unknown_fields=False)
        failure = self.before_patch(name)
        with self._lock:
            service = self.services[name]
            if failure:
                return failure, {"error": {"code": failure}}
            if asked.etag != service.etag:
                return 409, {"error": {"code": 409, "status": "ABORTED"}}
            wrong = self._wrong(name, mask, asked)
            if wrong:
                return 400, {"error": {"code": 400, "message": wrong}}
            service.traffic = asked.traffic
            self._touch(name)
            self.history.append((name, self.shares(name)))
            operation = f"{PARENT}/operations/{len(self.history)}"
            self._operations[operation] = 1
        return 200, {"name": operation, "metadata": {}}

    def _wrong(self, name: str, mask: list[str], asked: run_v2.Service) -> str:
        tags = [t.tag for t in asked.traffic if t.tag]
        known = {f"{name}-{n:05d}-abc" for n in range(1, self.services[name].generation + 1)}
        if mask != ["traffic"] or asked.name != f"{PARENT}/services/{name}":
            return "only traffic is changed"
        if sum(t.percent for t in asked.traffic) != 100:
            return "percents do not add up to 100"
        if len(set(tags)) < len(tags) or not all(re.fullmatch(r"[a-z][a-z0-9-]{0,45}", t) for t in tags):
            return "tags are wrong"
        return (
            ""
            if {t.revision for t in asked.traffic if t.type_ == BY_REVISION} <= known
            else "no such revision"
        )

    def operation(self, name: str) -> dict[str, Any]:
        """An operation is done when it is asked for the second time."""
        left = self._operations[name] = self._operations[name] - 1
        return {"name": name} if left >= 0 else {"name": name, "done": True, "response": {}}

    def query(self, promql: str) -> dict[str, Any]:
        """Requests by class of a revision, as Monitoring answers PromQL."""
        (revision,) = re.findall(r'revision_name="([^"]+)"', promql)
        good, bad = self.calls.get(revision, (1000, 0))
        result = [
            {"metric": {"response_code_class": c}, "value": [0, str(n)]}
            for c, n in (("2xx", good), ("5xx", bad))
        ]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    def visit(self, name: str, revision: str, method: str, path: str, headers: Any) -> int:
        """What a revision answers: as its operations should, unless `answers` says otherwise."""
        if revision == "serving":
            revision = self.services[name].latest_ready_revision.rpartition("/")[2]
        self.asked.append((revision, method, path))
        if revision in self.answers:
            return self.answers[revision]
        manifest = next(m for m in self.manifests.values() if m.service == name)
        if not manifest.public:
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            return 204 if (token, self.url(name)) in self.tokens else 401
        return 401 if headers.get("X-Api-Key") else 200

    def url(self, name: str) -> str:
        """A service's own address."""
        return f"https://{name}-{NUMBER}.{REGION}.run.app"


def _latest() -> run_v2.TrafficTarget:
    return run_v2.TrafficTarget(type_=BY_LATEST, percent=100)


class _Handler(BaseHTTPRequestHandler):
    api: RunAdmin

    def _answer(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, document = self._route(split.path, parse_qs(split.query), body)
        data = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _route(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if path.startswith("/at/"):
            _, _, name, revision, *rest = path.split("/")
            return self.api.visit(name, revision, self.command, "/" + "/".join(rest), self.headers), None
        if "/operations/" in path:
            return 200, self.api.operation(path.removeprefix("/v2/"))
        if path.endswith(":generateIdToken"):
            asked = json.loads(body)
            token = f"token-{len(self.api.tokens)}"
            self.api.tokens.append((token, asked["audience"]))
            return 200, {"token": token}
        if path.endswith("/prometheus/api/v1/query"):
            return 200, self.api.query(query["query"][0])
        return self._service(path.rpartition("/")[2], query, body)

    def _service(self, name: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if name not in self.api.services:
            return 404, {"error": {"code": 404}}
        if self.command == "PATCH":
            return self.api.patch(name, query["updateMask"][0].split(","), json.loads(body))
        text = run_v2.Service.to_json(
            self.api.services[name], use_integers_for_enums=False, always_print_fields_with_no_presence=False
        )
        return 200, json.loads(text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serving(api: RunAdmin) -> Iterator[None]:
    """Serve the API while the block runs."""
    handler = type("Handler", (_Handler,), {"api": api})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        api.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()
