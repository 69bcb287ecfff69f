"""What callers do with jobs: create, read, list, cancel, retry, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, Protocol

from shared.audit.actions import Action as AuditAction
from shared.audit.log import record as audit
from shared.auth.principal import Principal
from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache
from shared.core.cursors import read_cursor, write_cursor
from shared.core.ids import new_id
from shared.core.metrics import Metric, count
from shared.db.deadlines import Action, set_deadline
from shared.db.unit_of_work import UnitOfWork
from shared.jobs import views
from shared.jobs.alarms import alarm
from shared.jobs.charges import hold_credits, hold_pages
from shared.jobs.dispatch import start_recognition, start_rendering
from shared.jobs.endings import end_job
from shared.jobs.erasure import erase_media
from shared.jobs.errors import JobEnded, NothingToRetry, TrialDayUsedUp
from shared.jobs.keeping import TRIAL
from shared.jobs.names import display_name, results_prefix, source_object
from shared.jobs.priority import priority
from shared.jobs.quoting import quoted, refuse_more, refuse_others
from shared.jobs.repository import JobRecord, JobRepository, job_cache_key, pending
from shared.jobs.schemas import CreateJob, Job, JobFilter, JobPage, JobUpload
from shared.jobs.states import ENDED, JobState, TargetState
from shared.jobs.trial import Trial
from shared.jobs.uploads import SignedUploads, check_picture
from shared.ledger import prices
from shared.ledger.errors import InsufficientCredits, SpendLimitReached
from shared.quotes.repository import QuoteRecord
from shared.scenes.repository import SceneRepository
from shared.translation.languages import Languages

UPLOAD_WINDOW: Final = timedelta(hours=24)
CACHE_SECONDS: Final = 30


class File(Protocol):
    """A file that came with the request."""

    @property
    def filename(self) -> str:
        """The caller's name of it."""

    def data(self) -> bytes:
        """Its content."""


class JobService:
    """The operations. `current` gives the request's unit of work, `open_uow` a new one for the account."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        uploads: SignedUploads,
        languages: Languages,
        cache: RedisCache,
        trial: Callable[[], Trial] | None = None,
    ):
        """`trial` decides what visitors may have, where there are any."""
        self._trial = trial
        self._current = current
        self._open_uow = open_uow
        self._uploads = uploads
        self._languages = languages
        self._cache = cache

    def create(self, principal: Principal, order: CreateJob, file: File | None = None) -> Job:
        """Accept a job: with `file` it starts at once, without one it waits for the upload.

        Raises `UnsupportedLanguage`, `InsufficientCredits`, for a file what is wrong with it, what keeps its
        quote from being used, and what `Trial.admit` refuses a visitor for.
        """
        quote = None if order.quote is None else self._quoted(order.quote)
        if quote is None:
            order = order.filled(principal.source, principal.targets)
        else:
            order = order.filled(quote.source_language, quote.targets)
            refuse_others(quote, order)
        self._languages.require(order.language, order.targets)
        if self._trial is not None and principal.kind == "trial":
            self._trial().admit(order, file)
        job = new_id("job")
        values: dict[str, Any] = {
            "id": job,
            "created_by": principal.id,
            "origin": TRIAL if principal.kind == "trial" else "upload",
            "state": JobState.AWAITING_UPLOAD,
            "name": order.name or (display_name(file.filename) if file else ""),
            "priority": priority(principal.plan, None, order.priority),
            "source_language": order.language,
            "source_object": source_object(principal.account, job),
            "results_prefix": results_prefix(principal.account, job),
            "price_version": quote.price_version if quote else prices.current().version,
            "quote_id": order.quote,
            "leave_alone": order.left_alone,
            "formats": list(order.formats) or None,
        }
        if file is None:
            upload = self._uploads.sign(values["source_object"], UPLOAD_WINDOW)
            return self._accept(values, order, upload)
        values |= self._store(values["source_object"], file.data(), quote)
        values["priority"] = priority(principal.plan, values["source_bytes"], order.priority)
        stored = (values["source_object"], values["source_generation"])
        self._current().after_rollback(lambda: self._uploads.discard(*stored))
        return self._accept(values, order)

    def get(self, principal: Principal, job: str) -> Job:
        """Read a job, from the cache if it has not changed. Opens its own unit of work when it must.

        What the cache has is the account's, of which a visitor sees only their own jobs.
        """
        if principal.kind == "trial":
            return self._load(job)
        key = job_cache_key(principal.account, job)
        found = read_through(
            self._cache,
            key,
            CACHE_SECONDS,
            lambda: self._load(job),
            _encode,
            Job.model_validate_json,
            name="job",
        )
        assert found is not None  # noqa: S101 - loading raises JobNotFound instead of giving None
        return found

    def page(self, query: JobFilter) -> JobPage:
        """A page of jobs, newest first."""
        repository = JobRepository(self._current())
        after = None if query.cursor is None else read_cursor(query.cursor, "job")
        records = repository.page(query.limit + 1, query.state, after)
        shown, more = records[: query.limit], len(records) > query.limit
        targets = repository.targets([record.id for record in shown])
        return JobPage(
            jobs=[views.job(record, targets[record.id]) for record in shown],
            next_cursor=write_cursor((shown[-1].created_at, shown[-1].id)) if more else None,
        )

    def cancel(self, job: str) -> Job:
        """Stop a job; what is done stays done. Cancelling twice is the same as once."""
        uow = self._current()
        record = JobRepository(uow).get(job, lock=True)
        if record.state is not JobState.CANCELLED:
            if record.state in ENDED:
                raise JobEnded()
            end_job(uow, record, JobState.CANCELLED)
        return self._read(uow, job)

    def retry(self, principal: Principal, job: str) -> Job:
        """Start a child job for the targets that failed or were cancelled, with the parent's scene if any.

        What another child does already is not done twice: when nothing else is left, that child is the
        answer, so that retrying twice is the same as once.
        """
        uow = self._current()
        repository, scenes = JobRepository(uow), SceneRepository(uow)
        parent = repository.get(job, lock=True)
        failed = [
            target.language
            for target in repository.targets([job])[job]
            if target.state in {TargetState.FAILED, TargetState.CANCELLED}
        ]
        retried = repository.retried(job)
        again = [language for language in failed if language not in retried]
        if failed and not again:
            return self._read(uow, retried[failed[-1]])
        uploaded = parent.source_generation is not None and repository.has_media(job)
        if parent.state not in ENDED or not again or not uploaded:
            raise NothingToRetry()
        child = self._child_of(parent, principal, again, uow)
        if scenes.copy(parent.id, child.id):
            hold_pages(uow, child, scenes.pages(child.id))
            start_rendering(uow, child, again)
        else:
            start_recognition(uow, child)
        return views.job(child, pending(child, again))

    def delete(self, job: str) -> None:
        """Forget a job: its media are erased at once, its row stays for the audit."""
        uow = self._current()
        repository = JobRepository(uow)
        record = repository.get(job, lock=True)
        if record.state not in ENDED:
            end_job(uow, record, JobState.CANCELLED)
        uow.sql("update jobs set deleted_at = clock_now() where id = :job", job=job)
        repository.change(job)
        erase_media(uow, record)
        audit(uow, AuditAction.JOB_DELETED, job)

    def _accept(self, values: dict[str, Any], order: CreateJob, upload: JobUpload | None = None) -> Job:
        """Insert the job with its hold and what comes next. Nothing but the database is touched here."""
        uow = self._current()
        record = JobRepository(uow).add(values, order.targets)
        if upload is None:
            start_recognition(uow, record)
        else:
            set_deadline(uow, record.id, Action.EXPIRE_UPLOAD, UPLOAD_WINDOW)
        # All of the job goes in one statement, and with it the record of the caller's key, which is made of
        # the reply; so the hold, which needs the job's row, comes last.
        uow.before_commit(lambda: self._hold(uow, record, order.targets))
        return views.job(record, pending(record, order.targets), upload)

    def _hold(self, uow: UnitOfWork, job: JobRecord, targets: list[str]) -> None:
        """Hold the job's credits; a limit that stops it is told when the refused work is undone.

        Who has no account has no credits either: for them the trial is over for today.
        """
        try:
            hold_credits(uow, job, targets)
        except (SpendLimitReached, InsufficientCredits) as error:
            if isinstance(error, SpendLimitReached):
                uow.after_rollback(partial(self._alarm, error))
            if job.origin != TRIAL:
                raise
            count(Metric.TRIAL, outcome="unpaid")
            raise TrialDayUsedUp(retry_after=error.retry_after) from error

    def _alarm(self, error: SpendLimitReached) -> None:
        with self._open_uow() as uow:
            alarm(uow, error)

    def _quoted(self, quote: str) -> QuoteRecord:
        """In a transaction of its own: none stays open while the file is stored."""
        with self._open_uow() as uow:
            return quoted(uow, quote)

    def _store(self, name: str, data: bytes, quote: QuoteRecord | None) -> dict[str, Any]:
        found = check_picture(data)
        if quote is not None:
            refuse_more(quote, found.pages, sha256(data).hexdigest())
        media_type = found.media_type
        generation = self._uploads.put(name, data, media_type)
        facts = {"source_generation": generation, "source_media_type": media_type, "source_bytes": len(data)}
        return {**facts, "pages": found.pages, "state": JobState.QUEUED}

    def _child_of(
        self, parent: JobRecord, principal: Principal, targets: list[str], uow: UnitOfWork
    ) -> JobRecord:
        child = new_id("job")
        copied = (
            "name",
            "source_language",
            "source_object",
            "source_generation",
            "source_media_type",
            "source_bytes",
            "leave_alone",
            "formats",
            "pages",
        )
        values = {name: getattr(parent, name) for name in copied} | {
            "id": child,
            "parent_id": parent.id,
            "created_by": principal.id,
            "origin": "parent",
            "state": JobState.QUEUED,
            "priority": priority(principal.plan, parent.source_bytes),
            "results_prefix": results_prefix(principal.account, child),
            "price_version": prices.current().version,
        }
        record = JobRepository(uow).add(values, targets)
        self._hold(uow, record, targets)
        return record

    def _load(self, job: str) -> Job:
        with self._open_uow() as uow:
            return self._read(uow, job)

    def _read(self, uow: UnitOfWork, job: str) -> Job:
        repository = JobRepository(uow)
        return views.job(repository.get(job), repository.targets([job])[job])


def _encode(job: Job) -> bytes:
    return job.model_dump_json().encode()
