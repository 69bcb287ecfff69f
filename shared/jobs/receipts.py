"""What was done for a job and what it cost, from the steps' rows and the ledger."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from shared.db.models import job_steps, ledger_transactions
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord
from shared.jobs.schemas import Charge, Receipt, Step


def receipt_of(uow: UnitOfWork, job: JobRecord) -> Receipt:
    """Every step, call and credit of the job so far."""
    charges = _charges(uow, job.id)
    steps = _steps(uow, job.id, {c.target: c.credits for c in charges if c.kind == "capture"})
    return Receipt(
        job=job.id,
        name=job.name,
        state=job.state,
        steps=steps,
        provider_calls=dict(Counter(call.provider for step in steps for call in step.calls)),
        charges=charges,
        credits=sum(charge.credits for charge in charges if charge.kind == "capture"),
    )


def _steps(uow: UnitOfWork, job: str, captured: dict[str, int]) -> list[Step]:
    """The steps in their order. A target's credits are captured in the transaction that records its last."""
    rows = uow.execute(select(job_steps).where(job_steps.c.job_id == job).order_by(job_steps.c.id))
    kept = set(Step.model_fields) - {"credits"}
    steps = [Step.model_validate({k: row[k] for k in kept}) for row in rows.mappings()]
    for step in steps:
        if step.outcome == "done" and step.target is not None:
            step.credits = captured.get(step.target, 0)
    return steps


def _charges(uow: UnitOfWork, job: str) -> list[Charge]:
    t = ledger_transactions.c
    query = (
        select(t.target, t.kind, t.amount.label("credits"), t.created_at.label("at"), t.reason)
        .where(t.job_id == job)
        .order_by(t.id)
    )
    return [Charge.model_validate(dict(row)) for row in uow.execute(query).mappings()]
