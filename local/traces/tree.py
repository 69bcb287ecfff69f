"""Traces as trees: `python -m local trace JOB`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

from local.state import State
from local.traces.store import Kept, TraceStore

_SERVES = {2, 5}
"""The kinds of spans that are a whole request, event or task."""


def show(state: State, what: str) -> int:
    """Print what was done for a job, or in one trace; 1 where nothing is known of it."""
    store = TraceStore(state.traces)
    found = [what] if store.spans(what) else store.traces_of(what)
    if not found:
        print(f"no trace of {what} is kept in {state.traces}", file=sys.stderr)
        return 1
    for trace in found:
        print(f"trace {trace}")
        print("\n".join(lines(store.spans(trace))))
    return 0


def lines(spans: Sequence[Kept]) -> Iterator[str]:
    """The tree of one trace: when each span began after the first, how long it took, in milliseconds.

    A span whose parent is not here, such as one of a caller's own, stands at the top.
    """
    known = {span.id for span in spans}
    below: defaultdict[str, list[Kept]] = defaultdict(list)
    for span in spans:
        below[span.parent if span.parent in known else ""].append(span)
    first = min((span.began for span in spans), default=0)
    yield from _under(below, "", "", first)


def _under(below: dict[str, list[Kept]], parent: str, indent: str, first: int) -> Iterator[str]:
    children = below.get(parent, [])
    for number, span in enumerate(children, 1):
        last = number == len(children)
        when, took = (span.began - first) / 1e6, (span.ended - span.began) / 1e6
        yield f"{when:9.1f} {took:9.1f}  {indent}{_branch(last)}{_words(span)}"
        yield from _under(below, span.id, indent + ("   " if last else "│  "), first)


def _branch(last: bool) -> str:
    return "└─ " if last else "├─ "


def _words(span: Kept) -> str:
    where = f" [{span.service}]" if span.kind in _SERVES else ""
    failed = f" failed: {span.error}" if span.error else ""
    return f"{span.name}{where}{' ' if span.about else ''}{span.about}{failed}"
