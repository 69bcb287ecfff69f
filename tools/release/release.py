"""A release: look at what is served, take the next step, look again, until nothing is left to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.edge.manifest import Manifest
from tools.release.cloud import Cloud, CloudRefused, ServiceMoved
from tools.release.smoke import questions
from tools.release.traffic import (
    CANDIDATE,
    WHOLE,
    Advance,
    Change,
    Finished,
    NotReady,
    Proof,
    RollBack,
    Serving,
    pinned,
    plan,
    roll_back,
)

_MOST_MOVES = 20
_POLL_SECONDS = 30


class ProofFailed(Exception):
    """A revision did not prove itself; the sentence says which and how."""


@dataclass(frozen=True)
class Pace:
    """Percents that public functions go through, and seconds for which each is watched.

    Monitoring knows of requests after about four minutes, so a shorter watch sees nothing.
    """

    rungs: tuple[int, ...] = (5, 25, 50)
    watch_seconds: int = 600


class Release:
    """The functions of one project. `say` is told each step in a sentence."""

    def __init__(
        self,
        cloud: Cloud,
        manifests: Mapping[str, Manifest],
        paths: Mapping[str, Any],
        pace: Pace,
        say: Callable[[str], None],
    ) -> None:
        self._cloud = cloud
        self._manifests = {m.service: m for m in manifests.values()}
        self._paths = paths
        self._pace = pace
        self._say = say

    def look(self) -> list[Serving]:
        """Every function that is deployed."""
        found = [self._cloud.serving(manifest) for manifest in self._manifests.values()]
        return [service for service in found if service is not None]

    def pin(self) -> None:
        """Name the serving revision on each service, so that a deployment moves nothing."""
        self._settle(lambda: {s.name: new for s in self.look() if set(new := pinned(s)) != set(s.traffic)})

    def run(self) -> bool:
        """Release what is deployed; False when it was, or had been, taken back."""
        moves = 0
        while True:
            try:
                services = self.look()
                step = plan(services, self._pace.rungs)
                if isinstance(step, Finished):
                    return self._end(step)
                self._take(step, {s.name: s for s in services})
            except ServiceMoved as moved:
                moves += 1
                if moves > _MOST_MOVES:
                    raise
                self._say(f"changed by somebody else, looking again: {moved}")
                self._cloud.sleep(2)
            except (ProofFailed, NotReady, CloudRefused, ValueError) as failure:
                self._say(str(failure))
                self.take_back()
                return False

    def take_back(self) -> None:
        """Give all traffic of changed services back to what is stable."""

        def change() -> Change:
            step = roll_back(s for s in self.look() if s.changed)
            return step.change if step else {}

        self._settle(change)

    def smoke(self) -> None:
        """Ask each function, under its own address, what a release would ask. Raises `ProofFailed`."""
        for service in self.look():
            self._question(service, service.url)

    def settled(self) -> bool:
        """Whether nothing but the newest revisions serves; tells what does."""
        older = [s for s in self.look() if s.latest != s.ready or s.share(s.latest) < WHOLE]
        for service in older:
            self._say(f"{service.name}: {service.latest} serves {service.share(service.latest)}%")
        return not older

    def _end(self, step: Finished) -> bool:
        self._say(
            f"taken back: {', '.join(step.rejected)}" if step.rejected else "nothing is left to release"
        )
        return not step.rejected

    def _take(self, step: Advance | RollBack, services: Mapping[str, Serving]) -> None:
        if isinstance(step, Advance):
            proven = [services[name] for name in step.proven]
            if step.proof is Proof.SMOKE:
                for service in proven:
                    self._question(service, service.urls.get(CANDIDATE, service.url))
            elif step.proof is Proof.BUDGET:
                self._watch(proven)
        self._set(services, step.change)

    def _set(self, services: Mapping[str, Serving], change: Change) -> None:
        for name, traffic in change.items():
            shares = ", ".join(f"{t.revision} {t.percent}% {t.tag or ''}".rstrip() for t in traffic)
            self._say(f"{name}: {shares}")
            self._cloud.set_traffic(services[name], traffic)

    def _settle(self, change: Callable[[], Change]) -> None:
        """Set traffic until nothing of it is left, whoever else changes services meanwhile."""
        for _ in range(_MOST_MOVES):
            wanted = change()
            if not wanted:
                return
            try:
                self._set({s.name: s for s in self.look()}, wanted)
            except ServiceMoved:
                self._cloud.sleep(2)
        raise CloudRefused("services kept changing")

    def _question(self, service: Serving, url: str) -> None:
        manifest = self._manifests[service.name]
        for question in questions(manifest, self._paths):
            wrong = self._cloud.ask(manifest.name, url, question)
            if wrong:
                raise ProofFailed(f"{service.name}: {wrong}")
        self._say(f"{service.name}: {service.latest} answers")

    def _watch(self, services: Sequence[Serving]) -> None:
        """Look at each revision's errors again and again; one that cannot be seen is not trusted."""
        seconds = self._pace.watch_seconds
        end = time.monotonic() + seconds
        while True:
            for service in services:
                calls = self._cloud.calls(service.name, service.latest, max(60, seconds))
                if calls.breach:
                    failed = f"{calls.failed:.0f} of {calls.all:.0f} requests"
                    raise ProofFailed(f"{service.name}: {failed} to {service.latest} failed")
            left = end - time.monotonic()
            if left <= 0:
                return
            self._cloud.sleep(min(_POLL_SECONDS, left))
