"""`function.yaml`: what the cloud must know of a function, and the facts that follow from it."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.core.config import Misconfigured, pool_size
from shared.core.names import queue_name, service_name
from shared.core.priority import Priority

Kind = Literal["http", "stream", "storage", "pubsub", "task", "schedule"]
Seconds = Annotated[str, Field(pattern=r"^[1-9][0-9]*s$", description="whole seconds, such as 60s")]
PathTemplate = Annotated[
    str, Field(pattern=r"^/$|^(/([A-Za-z0-9_.~:-]+|\{[a-z_]+\}))+$", description="such as /v1/jobs/{job_id}")
]

CLOUD_KINDS: frozenset[str] = frozenset({"storage", "pubsub", "task", "schedule"})
LONGEST = {"http": 3600, "stream": 3600, "storage": 540, "pubsub": 540, "task": 1800, "schedule": 1800}
_LEASE_MARGIN = 90


class Use(StrEnum):
    """What a function may reach; `terraform/capabilities.yaml` gives each word its roles and settings."""

    DATABASE = "database"
    DATABASE_SYSTEM = "database-system"
    DATABASE_ERASER = "database-eraser"
    CACHE = "cache"
    TASKS = "tasks"
    EVENTS = "events"
    UPLOADS = "uploads"
    RESULTS = "results"
    VISION = "vision"
    TRANSLATION = "translation"
    KEYS = "keys"
    TOKENS = "tokens"
    PAYMENTS = "payments"
    WEBHOOKS = "webhooks"
    MAIL = "mail"
    IDENTITY = "identity"
    FORGET_PEOPLE = "forget-people"
    SIGN_INS = "sign-ins"
    VAULT = "vault"
    REDRIVE = "redrive"
    QUEUES = "queues"


class Pace(BaseModel):
    """How fast a queue dispatches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float = Field(gt=0, le=500, description="dispatches a second at most")
    concurrent: int = Field(ge=1, le=5000, description="dispatches running at a time at most")


class Queue(BaseModel):
    """The queue that feeds a task function, or one for each priority; retries are alike in all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float | None = Field(None, gt=0, le=500, description="one queue: dispatches a second at most")
    concurrent: int | None = Field(None, ge=1, le=5000, description="one queue: running at a time at most")
    priorities: dict[Priority, Pace] | None = Field(
        None, description="a queue for each priority, each with a share of the instances that is its own"
    )
    min_backoff: Seconds = Field(description="wait before the first retry")
    max_backoff: Seconds = Field(description="wait before any retry at most")

    @model_validator(mode="after")
    def _one_or_one_for_each(self) -> Self:
        if self.priorities is None and (self.rate is None or self.concurrent is None):
            raise ValueError("a queue has rate and concurrent, or priorities")
        if self.priorities is not None and (self.rate, self.concurrent) != (None, None):
            raise ValueError("with priorities, rate and concurrent belong to each of them")
        if self.priorities is not None and set(self.priorities) != set(Priority):
            raise ValueError("priorities are all of " + ", ".join(Priority))
        return self


class Manifest(BaseModel):
    """One `function.yaml` over `defaults.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,48}$", description="folder, and entry point in main.py")
    runtime: str = Field(pattern=r"^python3[0-9]{2}$", description="only in defaults.yaml")
    kind: Kind = Field(description="what calls the function")
    paths: list[PathTemplate] = Field([], description="http, stream: URL templates, the first is the prefix")
    bucket: Literal["uploads", "results"] | None = Field(None, description="storage: whose new objects call")
    topic: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9-]{2,62}$", description="pubsub: topic, where it is not named after it"
    )
    schedule: str | None = Field(
        None, pattern=r"^\S+( \S+){4}$", description="schedule: five fields of cron, in UTC"
    )
    queue: Queue | None = Field(None, description="task: the queue")
    uses: list[Use] = Field([], description="what the function may reach")
    memory: str = Field(pattern=r"^[1-9][0-9]*(Mi|Gi)$", description="memory of an instance")
    cpu: float = Field(gt=0, le=8, description="CPUs of an instance")
    concurrency: int = Field(ge=1, le=1000, description="requests that an instance serves at a time")
    timeout: Seconds = Field(description="longest run of one request")
    attempts: int = Field(ge=1, le=100, description="deliveries before work is given up; not for http")
    min_instances: int = Field(ge=0, le=100, description="instances kept warm")
    max_instances: int = Field(ge=1, le=1000, description="instances at most")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        wrong = [*_fields_of_other_kinds(self), *_limits(self), *_queue(self), *_paths(self)]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def service(self) -> str:
        """Name of the Cloud Run service, and of the topic or the one queue that feeds it."""
        return service_name(self.name)

    @property
    def topic_name(self) -> str | None:
        """Topic whose subscription pushes to this function; None where none does."""
        return (self.topic or self.service) if self.kind in ("storage", "pubsub") else None

    @property
    def queues(self) -> dict[str, Pace]:
        """The queues that dispatch to this function, by name."""
        if self.queue is None:
            return {}
        if self.queue.priorities is not None:
            return {queue_name(self.name, lane): pace for lane, pace in self.queue.priorities.items()}
        return {self.service: Pace.model_validate(self.queue.model_dump(include={"rate", "concurrent"}))}

    def priority_of(self, queue: str) -> Priority | None:
        """The priority whose queue this is; None where the function has one queue only."""
        lanes = self.queue.priorities if self.queue and self.queue.priorities else {}
        return next((lane for lane in lanes if queue_name(self.name, lane) == queue), None)

    @property
    def public(self) -> bool:
        """Whether anybody may call it; the others are called by the platform alone."""
        return self.kind not in CLOUD_KINDS

    @property
    def timeout_seconds(self) -> int:
        """Longest run of one request."""
        return int(self.timeout[:-1])

    @property
    def threads(self) -> int:
        """Threads of the server in an instance."""
        return self.concurrency

    @property
    def pool_size(self) -> int:
        """Database connections of an instance."""
        return pool_size(self.concurrency)

    @property
    def queue_max_attempts(self) -> int:
        """What the queue is configured with: one more, so that our code always sees the last attempt."""
        return self.attempts + 1

    @property
    def dispatch_deadline(self) -> int:
        """Seconds that the queue or the scheduler waits for an answer; Google takes 15 to 1800."""
        return max(15, self.timeout_seconds)

    @property
    def lease_seconds(self) -> int:
        """How long a worker's lease holds: longer than the worker can run, so that two never overlap."""
        return self.dispatch_deadline + _LEASE_MARGIN

    def absolute(self, route: str) -> str:
        """The path template of a route of `main.py`: under the prefix, unless it is one of our paths."""
        if route in self.paths:
            return route
        prefix = self.paths[0].rstrip("/")
        return prefix if route == "/" and prefix else prefix + route

    def covers(self, path: str) -> bool:
        """Whether a path template is within `paths`, so that the load balancer routes it here."""
        return any(_shape(path) == _shape(p) or _matches(p, path) for p in self.paths)


def load(folder: Path, defaults: Path | None = None, name: str | None = None) -> Manifest:
    """Read `folder/function.yaml` over the defaults, which stand beside it (in a bundle) or one above.

    `name` is the function's where the folder's is not, as in the cloud. Raises `Misconfigured`, naming the
    file and what is wrong.
    """
    own = _read(folder / "function.yaml")
    if "runtime" in own or "name" in own:
        raise Misconfigured(f"{folder / 'function.yaml'}: name and runtime do not belong there")
    beside = folder / "defaults.yaml"
    base = _read(defaults or (beside if beside.exists() else folder.parent / "defaults.yaml"))
    try:
        return Manifest.model_validate({**base, **own, "name": name or folder.name})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Misconfigured(f"{folder / 'function.yaml'}: {wrong}") from None


def load_all(root: Path) -> dict[str, Manifest]:
    """Every function under `root` (the folder `functions`), by name."""
    found = [load(path.parent) for path in sorted(root.glob("*/function.yaml"))]
    return {manifest.name: manifest for manifest in found}


def schema() -> dict[str, Any]:
    """The JSON Schema of `function.yaml`: the model without what only the defaults or the folder say."""
    full = Manifest.model_json_schema()
    for absent in ("name", "runtime"):
        del full["properties"][absent]
    full |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "required": ["kind"]}
    full |= {"title": "function.yaml"}
    return full


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path} cannot be read: {type(error).__name__}") from None
    if not isinstance(data, dict):
        raise Misconfigured(f"{path} does not hold a mapping")
    return data


def _fields_of_other_kinds(m: Manifest) -> list[str]:
    served = m.kind in ("http", "stream")
    fits = {
        "paths": (bool(m.paths), served),
        "bucket": (m.bucket is not None, m.kind == "storage"),
        "schedule": (m.schedule is not None, m.kind == "schedule"),
        "queue": (m.queue is not None, m.kind == "task"),
    }
    wrong = [
        f"kind {m.kind} {'needs' if due else 'has no'} {f}"
        for f, (is_set, due) in fits.items()
        if is_set != due
    ]
    if m.topic is not None and m.kind != "pubsub":
        wrong.append(f"kind {m.kind} has no topic")
    return wrong


def _limits(m: Manifest) -> list[str]:
    wrong = []
    if m.timeout_seconds > LONGEST[m.kind]:
        wrong.append(f"timeout of kind {m.kind} is at most {LONGEST[m.kind]}s")
    if m.cpu < 1 and m.concurrency > 1:
        wrong.append("concurrency above 1 needs a whole cpu")
    if m.cpu > 1 and m.cpu not in (2, 4, 6, 8):
        wrong.append("cpu above 1 is 2, 4, 6 or 8")
    if _mebibytes(m.memory) > _most_memory(m.cpu):
        wrong.append(f"{m.memory} needs more cpu than {m.cpu:g}")
    if m.kind in ("storage", "pubsub") and m.attempts < 5:
        wrong.append("attempts of an event are 5 or more, as dead-letter policies want")
    if m.min_instances > m.max_instances:
        wrong.append("min_instances is above max_instances")
    if len({Use.DATABASE, Use.DATABASE_SYSTEM, Use.DATABASE_ERASER} & set(m.uses)) > 1:
        wrong.append("uses names one database role, not several")
    return wrong


def _queue(m: Manifest) -> list[str]:
    if m.queue is None:
        return []
    wrong = []
    if int(m.queue.min_backoff[:-1]) > int(m.queue.max_backoff[:-1]):
        wrong.append("min_backoff is above max_backoff")
    # Dispatches that find no instance free are refused and wait, however urgent they are.
    places, taken = m.max_instances * m.concurrency, sum(pace.concurrent for pace in m.queues.values())
    if m.queue.priorities and taken > places:
        wrong.append(f"the priorities take {taken} of {places} places")
    return wrong


def _paths(m: Manifest) -> list[str]:
    wrong = [] if len({_shape(p) for p in m.paths}) == len(m.paths) else ["two paths are the same"]
    if m.paths and "{" in m.paths[0]:
        wrong.append("the first path is a prefix and has no parameter")
    return wrong + (["uses names something twice"] if len(set(m.uses)) < len(m.uses) else [])


def _most_memory(cpu: float) -> int:
    """Mebibytes that Cloud Run allows with so many CPUs."""
    steps = ((0.5, 512), (1, 1024), (2, 4096), (4, 8192), (6, 16384), (8, 24576))
    return next((most for below, most in steps if cpu < below), 32768)


def _mebibytes(memory: str) -> int:
    return int(memory[:-2]) * (1024 if memory.endswith("Gi") else 1)


def _shape(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "{}", path)


def _matches(template: str, path: str) -> bool:
    wanted, given = _shape(template).split("/"), _shape(path).split("/")
    return len(wanted) == len(given) and all(
        w == g or (w == "{}" and g) for w, g in zip(wanted, given, strict=True)
    )
