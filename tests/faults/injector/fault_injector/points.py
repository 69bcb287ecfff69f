"""The named points at which a fault can strike, by the function of the program that stands there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fault_injector.hooks import around, when_imported
from fault_injector.orders import fire

_stage = threading.local()


def _point(owner: Any, name: str, point: str, facts: Callable[..., str]) -> None:
    """A point before and one after every call."""

    def call(original: Callable[..., Any], *positional: Any, **named: Any) -> Any:
        told = facts(*positional, **named)
        fire(f"{point}.before", told)
        result = original(*positional, **named)
        fire(f"{point}.after", told)
        return result

    around(owner, name, call)


def _of_step(run: Any, *rest: Any) -> str:
    task = run.task
    return f"{task.account} {task.job} {task.step} {task.target or ''}"


def _of_working(*rest: Any, **named: Any) -> str:
    """The step that this thread works on, for what is called without saying for whom."""
    return str(getattr(_stage, "step", ""))


@when_imported("shared.jobs.service")
def _accept(module: Any) -> None:
    def call(original: Any, service: Any, principal: Any, *rest: Any, **named: Any) -> Any:
        job = original(service, principal, *rest, **named)
        _stage.accepted = f"{principal.account} {job.id}"
        return job

    around(module.JobService, "create", call)


@when_imported("shared.db.unit_of_work")
def _commit(module: Any) -> None:
    def call(original: Any, uow: Any) -> Any:
        accepted, _stage.accepted = getattr(_stage, "accepted", None), None
        if accepted is None:
            return original(uow)
        fire("accept.before", accepted)
        failure = original(uow)
        fire("accept.after", accepted)
        return failure

    around(module.UnitOfWork, "_finish", call)


@when_imported("shared.queue.delivery")
def _deliver(module: Any) -> None:
    def of_effects(delivery: Any, effects: Any) -> str:
        return " ".join(f"{e.account} {e.kind} {e.destination} {e.payload}" for e in effects)

    def name(original: Any, effect: Any) -> str:
        told = f"{effect.account} {effect.destination} {effect.payload}"
        forgotten = fire("queue.forgets", told) is not None
        return original(effect) + ("-again" if forgotten else "")

    _point(module.Delivery, "deliver", "deliver", of_effects)
    _point(module, "mark_sent", "mark", lambda uow, ids: str(uow.account))
    around(module, "task_name", name)


@when_imported("shared.jobs.steps")
def _steps(module: Any) -> None:
    _point(module.StepRun, "record", "record", _of_step)


@when_imported("shared.jobs.picture")
def _picture(module: Any) -> None:
    for name in ("_recognise", "_render"):

        def call(original: Any, worker: Any, run: Any, *rest: Any) -> Any:
            _stage.step = _of_step(run)
            fire("step.before", _stage.step)
            return original(worker, run, *rest)

        around(module.PictureWorker, name, call)
    _point(module.PictureWorker, "_read", "read", _of_working)


@when_imported("shared.providers.vision")
def _vision(module: Any) -> None:
    _point(module.VisionRecognizer, "recognise", "vision", _of_working)


@when_imported("shared.providers.translate")
def _translate(module: Any) -> None:
    _point(module.Translator, "translate", "translate", _of_working)


@when_imported("shared.jobs.results")
def _results(module: Any) -> None:
    _point(module.ResultFiles, "write", "upload", lambda files, job, name, *rest: f"{job.id} {name}")


@when_imported("shared.jobs.arrivals")
def _arrivals(module: Any) -> None:
    _point(module.Arrivals, "arrived", "arrived", lambda arrivals, arrival: arrival.name)


@when_imported("shared.jobs.publishing")
def _publish(module: Any) -> None:
    _point(module.Publisher, "publish", "publish", lambda publisher, job: job)


@when_imported("shared.jobs.upkeep")
def _sweep(module: Any) -> None:
    _point(module, "claim_unsent", "claim", lambda *rest: "sweep")


@when_imported("shared.webhooks.sender")
def _send(module: Any) -> None:
    _point(module.WebhookSender, "_send", "send", lambda sender, claim: claim.endpoint)


@when_imported("shared.providers.vision")
@when_imported("shared.providers.translate")
def _hurry(module: Any) -> None:
    """An order `provider.time` shortens the patience with a silent provider from minutes to a second."""

    def call(original: Any, *positional: Any, **named: Any) -> Any:
        if fire("provider.time", _of_working()):
            named |= {"deadline": 1.0, "attempt_seconds": 0.5}
        return original(*positional, **named)

    around(module, "call", call)
