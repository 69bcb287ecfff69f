"""Traces: which spans of time a request, event or task is made of, in one tree across functions.

The model, the identifiers and the attributes are OpenTelemetry's; what joins two processes is the W3C's
`traceparent`. A span is kept only where somebody takes it (`export_to`) and its trace is sampled; the ids are
there in any case, for the logs. Names and attributes are words of the program: never a text, a token, an
address, or the name of an object.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from shared.core.config import Misconfigured, TraceSettings

Value = str | int | float | bool

MOST_SPANS: Final = 500
"""Of one request; those beyond are dropped."""

_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2}).*"
)
_CLOUD: Final = re.compile(r"(?!0{32})([0-9a-f]{32})/([0-9]{1,20})(?:;o=([0-9]))?")


class Kind(IntEnum):
    """What a span is to others; the numbers are those of OTLP."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True)
class Parent:
    """A span of another process."""

    trace_id: str
    span_id: str
    sampled: bool


@dataclass(eq=False)
class Trace:
    """What the spans of one request have in common: all of them move when the request joins another trace."""

    id: str
    sampled: bool
    finished: list[Span] = field(default_factory=list)
    dropped: int = 0


@dataclass(eq=False)
class Span:
    """A span of time with a name. Times are in nanoseconds since the epoch."""

    trace: Trace
    id: str
    parent_id: str | None
    name: str
    kind: Kind
    began: int
    attributes: dict[str, Value]
    ended: int = 0
    error: str | None = None

    @property
    def traceparent(self) -> str:
        """What a process that continues this span is told."""
        return f"00-{self.trace.id}-{self.id}-{'01' if self.trace.sampled else '00'}"

    def set(self, attributes: Mapping[str, Value | None]) -> None:
        """Add attributes; those that are None are left out."""
        self.attributes.update((k, v) for k, v in attributes.items() if v is not None)


Sink = Callable[[list[Span]], None]

_current: ContextVar[Span | None] = ContextVar("span", default=None)
_root: ContextVar[Span | None] = ContextVar("root_span", default=None)
_sink: Sink | None = None


def export_to(sink: Sink | None) -> None:
    """Give the spans of each request that ends to `sink`, which must return at once and never raise."""
    global _sink
    _sink = sink


def current() -> Span | None:
    """The innermost span of the request under way, if there is a request."""
    return _current.get()


def traceparent() -> str | None:
    """What to hand on to a process that continues this work."""
    span = _current.get()
    return None if span is None else span.traceparent


def recording() -> bool:
    """Whether spans are kept."""
    span = _current.get()
    return span is not None and span.trace.sampled


def read(header: str | None, cloud_header: str | None = None) -> Parent | None:
    """The span that a `traceparent`, or else an `X-Cloud-Trace-Context`, names; None where neither does."""
    if found := _TRACEPARENT.fullmatch(header or ""):
        return Parent(found[1], found[2], bool(int(found[3], 16) & 1))
    if found := _CLOUD.fullmatch(cloud_header or ""):
        return Parent(found[1], f"{int(found[2]) & (1 << 64) - 1:016x}", found[3] == "1")
    return None


@contextmanager
def serving(name: str, kind: Kind, parent: Parent | None) -> Iterator[Span]:
    """The span of one whole request, event or task, as a part of the trace that `parent` belongs to.

    Whoever began a trace decided whether it is sampled; where nobody did, `TRACE_SAMPLE` does.
    """
    wanted = parent.sampled if parent else random.random() < _share()  # noqa: S311 - not a secret
    trace = Trace(parent.trace_id if parent else os.urandom(16).hex(), wanted)
    root = _begin(trace, parent.span_id if parent else None, name, kind, {})
    tokens = _root.set(root), _current.set(root)
    try:
        yield root
    finally:
        _root.reset(tokens[0])
        _current.reset(tokens[1])
        if trace.sampled and _sink is not None:
            root.ended = time.time_ns()
            root.set({"imangor.spans_dropped": trace.dropped or None})
            _sink([*trace.finished, root])


def _share() -> float:
    try:
        return TraceSettings.load().trace_sample
    except Misconfigured:
        # What is wrong with the settings is told where a request can be answered.
        return 0.0


def join(header: str | None) -> None:
    """Make the request under way a part of the trace that its work belongs to, which its body told."""
    root, parent = _root.get(), read(header)
    if root is None or parent is None:
        return
    root.trace.id, root.trace.sampled, root.parent_id = parent.trace_id, parent.sampled, parent.span_id


def about(**facts: Value | None) -> None:
    """Say of the request under way what it is about, such as its job, by which its trace is found."""
    if (root := _root.get()) is not None:
        root.set({f"imangor.{name}": value for name, value in facts.items()})


@contextmanager
def span(
    name: str, kind: Kind = Kind.INTERNAL, attributes: Mapping[str, Value] | None = None
) -> Iterator[Span | None]:
    """A part of the request under way; None where it is not recorded. An exception is noted by its class."""
    made = begin(name, kind, attributes)
    if made is None:
        yield None
        return
    token = _current.set(made)
    try:
        yield made
    except BaseException as error:
        made.error = type(error).__name__
        raise
    finally:
        _current.reset(token)
        end(made)


@contextmanager
def leaf(name: str, kind: Kind, attributes: Mapping[str, Value] | None = None) -> Iterator[None]:
    """A span with nothing below it: a generator may hold one while others run, and end it at any time."""
    made = begin(name, kind, attributes)
    try:
        yield
    except BaseException as error:
        if made is not None and not isinstance(error, GeneratorExit):
            made.error = type(error).__name__
        raise
    finally:
        if made is not None:
            end(made)


def begin(name: str, kind: Kind, attributes: Mapping[str, Value] | None = None) -> Span | None:
    """A span that `end` ends, for callbacks; nothing stands below it. None where it is not recorded."""
    above = _current.get()
    if above is None or not above.trace.sampled:
        return None
    return _begin(above.trace, above.id, name, kind, dict(attributes or {}))


def end(made: Span) -> None:
    """End a span and keep it."""
    made.ended = time.time_ns()
    trace = made.trace
    if not trace.sampled or len(trace.finished) >= MOST_SPANS:
        trace.dropped += trace.sampled
        return
    trace.finished.append(made)


def _begin(trace: Trace, above: str | None, name: str, kind: Kind, attributes: dict[str, Value]) -> Span:
    return Span(trace, os.urandom(8).hex(), above, name, kind, time.time_ns(), attributes)
