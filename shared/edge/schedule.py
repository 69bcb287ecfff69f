"""Schedule functions: called by Cloud Scheduler at the times that the manifest's `schedule` names.

    @schedule
    def sweep(ctx: Context) -> None:
        "Finish what a crash left."
        ctx.sweep.run()

Nothing is delivered but the call, a call may come twice, and no unit of work is open around it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import overload

from shared.edge.plan import Retry, RetryAt, plan
from shared.edge.ports import ContextFactory
from shared.edge.reply import Rendered
from shared.edge.worker import Entry, Visit, log_outcome, make_entry, refuse

Handler = Callable[..., None]


@overload
def schedule(function: Handler, /) -> Entry: ...
@overload
def schedule(*, context: ContextFactory | None = None) -> Callable[[Handler], Entry]: ...
def schedule(
    function: Handler | None = None, /, *, context: ContextFactory | None = None
) -> Entry | Callable[[Handler], Entry]:
    """Make a handler of `ctx` the entry point of a schedule function.

    `context` replaces `shared.context.Context` in tests. Raises TypeError for a signature it cannot serve.
    """
    if function is None:
        return lambda handler: _compose(handler, context)
    return _compose(function, context)


def _compose(handler: Handler, context: ContextFactory | None) -> Entry:
    if list(inspect.signature(handler).parameters) != ["ctx"]:
        raise TypeError(f"{handler.__name__} takes ctx alone")

    def work(visit: Visit) -> Rendered:
        try:
            handler(visit.ctx)
        except Exception as error:
            outcome = plan(error, 0, None)
            log_outcome(outcome, error)
            if isinstance(outcome, Retry | RetryAt):
                return refuse(Retry(), visit.request_id)
        return Rendered(200, {}, b"")

    return make_entry(handler, {"schedule"}, work, context)
