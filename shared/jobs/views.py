"""From rows to what callers see."""

from __future__ import annotations

from shared.core.formats import Format
from shared.jobs.repository import JobRecord, TargetRecord
from shared.jobs.schemas import Job, JobError, JobTarget, JobUpload
from shared.scenes.schemas import Flag
from shared.translation.tags import AUTO


def job(record: JobRecord, targets: list[TargetRecord], upload: JobUpload | None = None) -> Job:
    """A job with its targets; `upload` only when it was just created."""
    return Job(
        id=record.id,
        state=record.state,
        priority=record.priority,
        name=record.name,
        source_language=record.source_language or AUTO,
        targets=[_target(target) for target in targets],
        parent=record.parent_id,
        quote=record.quote_id,
        formats=[Format(name) for name in record.formats or []],
        error=_error(record.error),
        upload=upload,
        version=record.version,
        created_at=record.created_at,
        updated_at=record.updated_at,
        finished_at=record.finished_at,
    )


def _target(record: TargetRecord) -> JobTarget:
    return JobTarget(
        language=record.language,
        state=record.state,
        flags={block: [Flag(flag) for flag in flags] for block, flags in record.flags.items()},
        error=_error(record.error),
        finished_at=record.finished_at,
    )


def _error(problem: dict[str, str] | None) -> JobError | None:
    return None if problem is None else JobError.model_validate(problem)
