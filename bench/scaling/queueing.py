"""A lane of the picture queue as a discrete-event simulation, and the closed form that it is checked against.

A lane is first come, first served, with so many tasks under way at most and so many begun a second at most.
A picture is one task, and when that has ended one more for each target. Pictures arrive as a Poisson process,
tasks take exponentially long: on a stable lane without the second step and the pace that is M/M/c, whose mean
wait Erlang gave (A. K. Erlang, 1917; Gross and Harris, "Fundamentals of Queueing Theory", section 3.3).
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass
from statistics import fmean, quantiles


@dataclass(frozen=True)
class Lane:
    """Tasks under way at most, and tasks begun a second at most."""

    places: int
    pace: float


@dataclass(frozen=True)
class Work:
    """Pictures a second, how many targets each has, and seconds that first task and targets take."""

    pictures: float
    targets: int
    first: float
    each: float

    @property
    def offered(self) -> float:
        """Tasks that would be under way at a time if none had to wait, in erlangs."""
        return self.pictures * (self.first + self.targets * self.each)


@dataclass(frozen=True)
class Outcome:
    """Seconds that tasks waited, and pictures from arrival to the last target; the share of places taken."""

    mean_wait: float
    wait_95: float
    mean_picture: float
    picture_95: float
    taken: float


def probability_of_waiting(places: int, offered: float) -> float:
    """Erlang's C: the share of arrivals that find all places taken. `offered` is below `places`."""
    blocked = 1.0
    for n in range(1, places + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return places * blocked / (places - offered * (1 - blocked))


def mean_wait(places: int, offered: float, seconds: float) -> float:
    """Mean wait in M/M/c for tasks that take `seconds` on average."""
    return probability_of_waiting(places, offered) * seconds / (places - offered)


class _Run:
    def __init__(self, lane: Lane, work: Work, seed: int) -> None:
        self.lane, self.work, self.random = lane, work, random.Random(seed)
        self.events: list[tuple[float, int, bool]] = []  # when, which picture, whether its first task
        self.waiting: deque[tuple[float, int, bool]] = deque()
        self.busy, self.last_begin, self.spent = 0, 0.0, 0.0
        self.waits: list[float] = []
        self.arrived: list[float] = []
        self.left: dict[int, int] = {}
        self.ended: dict[int, float] = {}

    def begin(self, now: float) -> None:
        """Begin what may begin; the pace delays a task that has its place already."""
        while self.waiting and self.busy < self.lane.places:
            since, picture, first = self.waiting.popleft()
            at = max(now, self.last_begin + 1 / self.lane.pace)
            seconds = self.random.expovariate(1 / (self.work.first if first else self.work.each))
            self.busy, self.last_begin = self.busy + 1, at
            self.spent += seconds
            self.waits.append(at - since)
            heapq.heappush(self.events, (at + seconds, picture, first))

    def end(self, now: float, picture: int, first: bool) -> None:
        self.busy -= 1
        if first:
            self.left[picture] = self.work.targets
            self.waiting.extend((now, picture, False) for _ in range(self.work.targets))
        else:
            self.left[picture] -= 1
        if not self.left[picture]:
            self.ended[picture] = now
        self.begin(now)


def simulate(lane: Lane, work: Work, pictures: int = 20_000, seed: int = 1) -> Outcome:
    """Let so many pictures come and all of them end. On an unstable lane the outcome depends on how many."""
    run, next_at = _Run(lane, work, seed), 0.0
    for number in range(pictures):
        next_at += run.random.expovariate(work.pictures)
        while run.events and run.events[0][0] <= next_at:
            run.end(*heapq.heappop(run.events))
        run.arrived.append(next_at)
        run.waiting.append((next_at, number, True))
        run.begin(next_at)
    now = next_at
    while run.events:
        now = run.events[0][0]
        run.end(*heapq.heappop(run.events))
    took = [run.ended[number] - at for number, at in enumerate(run.arrived)]
    return Outcome(
        mean_wait=fmean(run.waits),
        wait_95=quantiles(run.waits, n=20)[-1],
        mean_picture=fmean(took),
        picture_95=quantiles(took, n=20)[-1],
        taken=run.spent / (now * lane.places),
    )
