"""What a Cloud Run service serves, and what a release does next: pure data, no network.

A release keeps no record of its own. What it did is seen in the services' traffic: the tag `stable` is on
the revision that traffic can go back to, `candidate` on the one that is tried, `rejected` on one that failed.
So a release that was interrupted goes on by looking again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

STABLE, CANDIDATE, REJECTED = "stable", "candidate", "rejected"
WHOLE = 100


@dataclass(frozen=True)
class Target:
    """A share of a service's traffic; no `revision` stands for whichever is the latest ready one."""

    revision: str | None
    percent: int = 0
    tag: str | None = None


@dataclass(frozen=True)
class Serving:
    """A service as Cloud Run tells of it: `latest` is its newest revision, `ready` the newest that serves."""

    name: str
    public: bool
    etag: str
    latest: str
    ready: str
    traffic: tuple[Target, ...]
    url: str
    urls: Mapping[str, str]

    def tagged(self, tag: str) -> str | None:
        """The revision that has a tag."""
        return next((t.revision or self.ready for t in self.traffic if t.tag == tag), None)

    def share(self, revision: str) -> int:
        """Percent of the traffic that a revision gets."""
        return sum(t.percent for t in self.traffic if (t.revision or self.ready) == revision)

    @property
    def changed(self) -> bool:
        """Whether there is a revision that traffic could move to."""
        return self.latest != self.tagged(STABLE)

    @property
    def rejected(self) -> bool:
        """Whether the newest revision failed in a release."""
        return self.latest == self.tagged(REJECTED)


class Proof(StrEnum):
    """What must hold before traffic changes."""

    NOTHING = "nothing"
    SMOKE = "smoke"
    BUDGET = "budget"


Change = Mapping[str, tuple[Target, ...]]
"""New traffic of services, by name."""


@dataclass(frozen=True)
class Advance:
    """Prove something of the candidates of `proven`, then set traffic."""

    proof: Proof
    proven: tuple[str, ...]
    change: Change


@dataclass(frozen=True)
class RollBack:
    """Give all traffic back to the stable revisions, and mark the others."""

    change: Change


@dataclass(frozen=True)
class Finished:
    """Every service serves its newest revision, or the release was rejected."""

    rejected: tuple[str, ...] = ()


class NotReady(Exception):
    """A service's newest revision cannot serve, so that there is nothing to release."""


Step = Advance | RollBack | Finished


def pinned(service: Serving) -> tuple[Target, ...]:
    """The same traffic, naming revisions, with what serves most tagged stable and nothing else tagged.

    Done before a deployment: a service that follows "latest" moves to a new revision at once. What an earlier
    release rejected may be tried again, with what is deployed beside it.
    """
    shares: dict[str, int] = {}
    for target in service.traffic:
        revision = target.revision or service.ready
        shares[revision] = shares.get(revision, 0) + target.percent
    stable = service.tagged(STABLE) or max(shares, key=lambda revision: shares[revision])
    kept = [Target(r, percent) for r, percent in shares.items() if r != stable and percent]
    return (Target(stable, shares.get(stable, 0), STABLE), *kept)


def plan(services: Sequence[Serving], rungs: Sequence[int]) -> Step:
    """The next step of a release of these services; `rungs` are percents below 100 for the public ones.

    Raises `NotReady`. Event and task functions take one step, and before the public ones: new requests make
    new tasks, which only new code is sure to understand.
    """
    fresh = [s for s in services if s.tagged(STABLE) is None]
    changed = [s for s in services if s not in fresh and s.changed]
    if any(s.rejected for s in changed):
        return roll_back(changed) or Finished(tuple(s.name for s in changed if s.rejected))
    for service in [*fresh, *changed]:
        if service.latest != service.ready:
            raise NotReady(f"{service.name}: {service.latest} cannot serve; its logs say why")
    if fresh:
        return _advance(Proof.SMOKE, fresh, {s.name: pinned(s) for s in fresh})
    untagged = [s for s in changed if s.tagged(CANDIDATE) != s.latest]
    if untagged:
        return _advance(Proof.NOTHING, untagged, {s.name: _shares(s, 0) for s in untagged})
    return _shift(changed, rungs) if changed else Finished()


def _shift(changed: Sequence[Serving], rungs: Sequence[int]) -> Step:
    shares = {s.name: s.share(s.latest) for s in changed}
    workers = [s for s in changed if not s.public and shares[s.name] < WHOLE]
    if workers:
        return _advance(Proof.SMOKE, changed, {s.name: _shares(s, WHOLE) for s in workers})
    public = [s for s in changed if s.public]
    reached = max((shares[s.name] for s in public), default=WHOLE)
    behind = [s for s in public if shares[s.name] < reached]
    if behind:
        return _advance(Proof.NOTHING, behind, {s.name: _shares(s, reached) for s in behind})
    if reached == WHOLE:
        return _advance(Proof.BUDGET, changed, {s.name: (Target(s.latest, WHOLE, STABLE),) for s in changed})
    rung = next((rung for rung in rungs if rung > reached), WHOLE)
    proof = Proof.SMOKE if reached == 0 and len(public) == len(changed) else Proof.BUDGET
    return _advance(proof, changed, {s.name: _shares(s, rung) for s in public})


def roll_back(services: Iterable[Serving]) -> RollBack | None:
    """What gives traffic back; None where nothing has to be given back."""
    change = {}
    for service in services:
        stable = service.tagged(STABLE)
        wanted = (Target(stable, WHOLE, STABLE), Target(service.latest, 0, REJECTED))
        if stable and stable != service.latest and set(service.traffic) != set(wanted):
            change[service.name] = wanted
    return RollBack(change) if change else None


def _advance(proof: Proof, proven: Sequence[Serving], change: Change) -> Advance:
    return Advance(proof, tuple(s.name for s in proven), change)


def _shares(service: Serving, percent: int) -> tuple[Target, ...]:
    stable = service.tagged(STABLE)
    return (Target(stable, WHOLE - percent, STABLE), Target(service.latest, percent, CANDIDATE))
