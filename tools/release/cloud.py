"""Cloud Run's Admin API v2, Cloud Monitoring and identity tokens, as far as a release needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.core.names import service_name
from shared.edge.manifest import Manifest
from tools.release.budget import Calls, query, read
from tools.release.smoke import Question
from tools.release.traffic import Serving, Target

_BY_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
_BY_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_TRIES = 5


class ServiceMoved(Exception):
    """Somebody else changed the service meanwhile; look again."""


class CloudRefused(Exception):
    """An API of Google's answered with an error that will not pass."""


@dataclass(frozen=True)
class Place:
    """Where the functions are, and under which addresses the APIs answer."""

    project: str
    number: str
    region: str
    run: str = "https://run.googleapis.com"
    monitoring: str = "https://monitoring.googleapis.com"
    credentials: str = "https://iamcredentials.googleapis.com"

    def url(self, function: str) -> str:
        """A function's URL, which is the audience of every token for it, under a tag's address, too."""
        return f"https://{service_name(function)}-{self.number}.{self.region}.run.app"


class Cloud:
    """One project's services. `session` sends requests with credentials, `plain` those without."""

    def __init__(
        self, place: Place, session: Any, plain: Any, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.place = place
        self.sleep = sleep
        self._session = session
        self._plain = plain

    def serving(self, manifest: Manifest) -> Serving | None:
        """What a function's service serves; None where it is not deployed."""
        found = self._ask("GET", self._service(manifest.service))
        return None if found is None else _serving(manifest, found)

    def set_traffic(self, service: Serving, traffic: tuple[Target, ...]) -> None:
        """Set a service's traffic and wait until it is so. Raises `ServiceMoved`."""
        url = self._service(service.name)
        body = {
            "name": url.partition("/v2/")[2],
            "etag": service.etag,
            "traffic": [_target(each) for each in traffic],
        }
        operation = self._ask("PATCH", f"{url}?updateMask=traffic", json=body) or {}
        while not operation.get("done"):
            self.sleep(2)
            operation = self._ask("GET", f"{self.place.run}/v2/{operation['name']}") or {}
        if "error" in operation:
            raise CloudRefused(f"{service.name}: {operation['error'].get('message')}")

    def calls(self, service: str, revision: str, seconds: int) -> Calls:
        """Requests that a revision answered in the last seconds."""
        url = f"{self.place.monitoring}/v1/projects/{self.place.project}/location/global/prometheus"
        given = {"query": query(service, revision, seconds)}
        return read(self._ask("GET", f"{url}/api/v1/query", params=given) or {})

    def ask(self, function: str, url: str, question: Question) -> str | None:
        """Ask a revision a question at its own address; what was wrong with the answer, or None."""
        token = self._token(question.invoker, self.place.url(function)) if question.invoker else None
        wrong = ""
        for turn in range(_TRIES):
            if turn:
                self.sleep(2**turn)
            wrong = self._answer(url, question, token)
            if not wrong:
                return None
        return f"{question.method} {question.path} {wrong}"

    def _answer(self, url: str, question: Question, token: str | None) -> str:
        import requests

        given = {"headers": question.headers(token), "timeout": 60, "allow_redirects": False}
        if question.method not in ("GET", "DELETE"):
            given["data"] = "{}"
        try:
            status = self._plain.request(question.method, url + question.path, **given).status_code
        except requests.RequestException as error:
            return f"failed with {type(error).__name__}"
        return "" if status in question.right else f"was answered with {status}"

    def _token(self, invoker: str, audience: str) -> str:
        account = f"{invoker}@{self.place.project}.iam.gserviceaccount.com"
        url = f"{self.place.credentials}/v1/projects/-/serviceAccounts/{account}:generateIdToken"
        answer = self._ask("POST", url, json={"audience": audience, "includeEmail": True}) or {}
        return str(answer["token"])

    def _service(self, name: str) -> str:
        return (
            f"{self.place.run}/v2/projects/{self.place.project}/locations/{self.place.region}/services/{name}"
        )

    def _ask(self, method: str, url: str, **given: Any) -> dict[str, Any] | None:
        """An API's answer; None for 404. What passes is tried again: the etag lets no PATCH happen twice."""
        import requests

        trouble = ""
        for turn in range(_TRIES):
            if turn:
                self.sleep(2**turn)
            try:
                answer = self._session.request(method, url, timeout=60, **given)
            except requests.RequestException as error:
                trouble = type(error).__name__
                continue
            if answer.status_code == 404:
                return None
            if answer.status_code in (409, 412):
                raise ServiceMoved(urlsplit(url).path)
            if answer.status_code not in _PASSING:
                return _document(answer, url)
            trouble = str(answer.status_code)
        raise CloudRefused(f"{method} {urlsplit(url).path}: {trouble}")


def _document(answer: Any, url: str) -> dict[str, Any]:
    if answer.status_code >= 400:
        raise CloudRefused(f"{urlsplit(url).path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


def _serving(manifest: Manifest, found: Mapping[str, Any]) -> Serving:
    traffic = tuple(
        Target(each.get("revision"), each.get("percent", 0), each.get("tag"))
        for each in found.get("traffic", ())
    )
    return Serving(
        name=manifest.service,
        public=manifest.public,
        etag=found.get("etag", ""),
        latest=found.get("latestCreatedRevision", "").rpartition("/")[2],
        ready=found.get("latestReadyRevision", "").rpartition("/")[2],
        traffic=traffic or (Target(None, 100),),
        url=found.get("uri", ""),
        urls={s["tag"]: s["uri"] for s in found.get("trafficStatuses", ()) if s.get("tag") and s.get("uri")},
    )


def _target(target: Target) -> dict[str, Any]:
    kind = _BY_REVISION if target.revision else _BY_LATEST
    made: dict[str, Any] = {"type": kind, "percent": target.percent}
    made |= {"revision": target.revision} if target.revision else {}
    return made | ({"tag": target.tag} if target.tag else {})


def connect(place: Place) -> Cloud:
    """The cloud, as whoever runs this."""
    import google.auth
    import requests
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return Cloud(place, AuthorizedSession(credentials), requests.Session())
