"""Limits and what reaches them, waits in the queues, and costs: each from facts."""

from __future__ import annotations

from dataclasses import dataclass

from bench.scaling.facts import Environment, Facts
from bench.scaling.queueing import Lane, Outcome, Work, mean_wait, simulate

HOURS = 730
WORKER, API = "process_image", "jobs"


@dataclass(frozen=True)
class Limit:
    """Something that there is only so much of, and how much of it a picture a second takes."""

    name: str
    there_is: float
    takes: float
    unit: str

    def full_at(self, busiest: float) -> float:
        """The scale at which nothing of it is left."""
        return self.there_is / (self.takes * busiest)


def limits(facts: Facts, environment: Environment) -> list[Limit]:
    """All of them, the first to be reached first."""
    worker, api = facts.manifests[WORKER], facts.manifests[API]
    targets, share = facts.work("targets"), facts.inputs["work"]["share"]
    seconds = facts.work("first_seconds") + targets * facts.work("target_seconds")
    lanes = worker.queues
    narrowest = min(lanes, key=lambda name: lanes[name].rate / share[str(worker.priority_of(name))])
    part = share[str(worker.priority_of(narrowest))]
    found = [
        Limit("places for pictures", sum(lane.concurrent for lane in lanes.values()), seconds, "at a time"),
        Limit("dispatches of a queue", lanes[narrowest].rate, part * (1 + targets), "a second"),
        Limit(
            "dispatches Cloud Tasks gives",
            facts.quota("queue_dispatches_a_second"),
            part * (1 + targets),
            "a second",
        ),
        Limit("pages of Vision", facts.quota("vision_pages_a_minute"), 60, "a minute"),
        Limit(
            "characters of Translation",
            facts.quota("translation_characters_a_minute"),
            60 * targets * facts.work("characters"),
            "a minute",
        ),
        Limit(
            "CPU of the jobs function",
            api.max_instances * api.cpu,
            facts.work("calls") * facts.work("call_seconds"),
            "CPUs",
        ),
        Limit("CPU of the database", environment.cpus, facts.work("database_seconds"), "CPUs"),
    ]
    return sorted(found, key=lambda limit: limit.full_at(facts.busiest))


@dataclass(frozen=True)
class Asked:
    """What all places together may ask a provider for in a minute, and the quota."""

    of: str
    by_places: float
    by_rates: float
    quota: float


def asked_of_providers(facts: Facts) -> list[Asked]:
    """If every place did nothing else; and if no task took any time, so that only rates bound it."""
    lanes = facts.manifests[WORKER].queues.values()
    places, rates = sum(lane.concurrent for lane in lanes), sum(lane.rate for lane in lanes)
    characters = facts.work("characters")
    first, each = places / facts.work("first_seconds"), places / facts.work("target_seconds")
    pages, translated = (
        facts.quota(f"{name}_a_minute") for name in ("vision_pages", "translation_characters")
    )
    return [
        Asked("pages of Vision", 60 * first, 60 * rates, pages),
        Asked("characters of Translation", 60 * each * characters, 60 * rates * characters, translated),
    ]


def lane_work(facts: Facts, priority: str, scale: float) -> Work:
    """What comes to one priority's queue in the busiest hour."""
    return Work(
        pictures=facts.busiest * scale * facts.inputs["work"]["share"][priority],
        targets=int(facts.work("targets")),
        first=facts.work("first_seconds"),
        each=facts.work("target_seconds"),
    )


def waits(facts: Facts, scale: float) -> dict[str, tuple[Lane, Work, Outcome | None]]:
    """Each priority's queue; no outcome where more comes than is done, so that it only grows."""
    worker, found = facts.manifests[WORKER], {}
    for name, pace in worker.queues.items():
        priority = str(worker.priority_of(name))
        lane, work = Lane(pace.concurrent, pace.rate), lane_work(facts, priority, scale)
        paced = work.pictures * (1 + work.targets) < lane.pace
        stable = work.offered < lane.places and paced
        found[priority] = (lane, work, simulate(lane, work) if stable else None)
    return found


def estimate(lane: Lane, work: Work) -> float:
    """Erlang's mean wait for tasks of the mean length, to hold beside the simulated one."""
    tasks = 1 + work.targets
    return mean_wait(lane.places, work.offered, work.offered / work.pictures / tasks)


def per_thousand(facts: Facts) -> dict[str, dict[str, float]]:
    """Dollars for a thousand pictures, pages, and minutes of speech, by what they go to."""
    worker, api, price, work = facts.manifests[WORKER], facts.manifests[API], facts.price, facts.work
    targets = work("targets")
    second = worker.cpu * price("run_cpu_second") + _gib(worker.memory) * price("run_gib_second")
    running = 1000 * second * (work("first_seconds") + targets * work("target_seconds"))
    call = (api.cpu * price("run_cpu_second") + _gib(api.memory) * price("run_gib_second")) * work(
        "call_seconds"
    )
    calls = 1000 * work("calls") * (call + price("run_request"))
    moved = 1000 * targets * work("result_mib") / 1024
    kept = 1000 * (work("source_mib") + targets * work("result_mib")) / 1024 * work("kept_days") / 30
    page = {
        "Vision": 1000 * price("vision_page"),
        "Translation": 1000 * targets * work("characters") * price("translation_character"),
        "process_image": running + 1000 * (1 + targets) * price("run_request"),
        "queues": 1000 * (1 + targets) * price("task"),
        "to the client": moved * price("egress_gib"),
        "buckets": kept * price("storage_gib_month"),
    }
    minutes = {
        "Speech": 1000 * price("speech_minute"),
        "Translation": 1000 * targets * work("minute_characters") * price("translation_character"),
    }
    shared = {"queues": page["queues"] / work("job_pages"), "jobs": calls / work("job_pages")}
    return {"pictures": page | {"jobs": calls}, "pages": page | shared, "minutes": minutes}


def a_month(facts: Facts, environment: Environment) -> dict[str, float]:
    """Dollars that an environment costs without any work."""
    price, machines = (
        facts.price,
        1 + environment.on("database_available") + environment.number("database_replicas"),
    )
    machine = environment.cpus * price("sql_cpu_hour") + environment.memory_mib / 1024 * price("sql_gib_hour")
    disks = machines * facts.work("disk_gib") * price("sql_disk_gib_month")
    redis = price(f"redis_gib_hour_{environment.values['redis_tier'].lower()}")
    return {
        "Cloud SQL": machines * machine * HOURS + disks,
        "Redis": environment.number("redis_gigabytes") * redis * HOURS,
        "load balancer": price("load_balancer_hour") * HOURS,
    }


def _gib(memory: str) -> float:
    return float(memory[:-2]) / (1024 if memory.endswith("Mi") else 1)
