"""What is asked of a new revision before it gets traffic, from its manifest and the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.api_keys import new_key
from shared.edge.manifest import Manifest

_PARAMETER = re.compile(r"\{[a-z_]+\}")
_OF_THE_PAST = {"get_selftest"}  # it says how the release before did, which must not keep its repair away
_INVOKERS = {"task": "tasks-invoker", "schedule": "schedules-invoker"}


@dataclass(frozen=True)
class Question:
    """A request to a revision's own URL, and the statuses that are right.

    `invoker` is the service account in whose name it is asked; None for what anybody may ask.
    """

    method: str
    path: str
    right: frozenset[int]
    key: bool = False
    invoker: str | None = None

    def headers(self, token: str | None) -> dict[str, str]:
        """The request's headers; `token` is an identity token of the invoker's."""
        made = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.key:
            made["X-Api-Key"] = new_key("live")
        return made | ({"Authorization": f"Bearer {token}"} if token else {})


def questions(manifest: Manifest, paths: Mapping[str, Any]) -> list[Question]:
    """What to ask of a function.

    A worker says whether the database answers it. A public function is asked all that anybody may read, and
    one operation with a key that is well formed and unknown: only the database can refuse that.
    """
    if not manifest.public:
        return [
            Question("GET", "/", frozenset({204}), invoker=_INVOKERS.get(manifest.kind, "events-invoker"))
        ]
    own = [
        (method, path, operation)
        for path, operations in paths.items()
        if manifest.covers(path)
        for method, operation in operations.items()
    ]
    readable = [
        p
        for m, p, o in own
        if m == "get" and not o.get("security") and "{" not in p and o["operationId"] not in _OF_THE_PAST
    ]
    asked = [Question("GET", path, frozenset({200})) for path in readable]
    guarded = sorted((m != "get", "{" in p, p, m) for m, p, o in own if o.get("security"))
    if guarded:
        _, _, path, method = guarded[0]
        asked.append(Question(method.upper(), _PARAMETER.sub("none", path), frozenset({401}), key=True))
    if not asked:
        method, path, _ = own[0]
        asked.append(Question(method.upper(), _PARAMETER.sub("none", path), frozenset(range(400, 500))))
    return asked
