"""The scheduled self-test: sends the card on a customer's way, and judges what comes back.

A round takes one step and never waits: it begins a self-test that is due or was asked for, or looks at the
one that is under way. What a round that was killed left, the next one takes up, or ends after `PATIENCE`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from shared.core.config import SelfTestSettings
from shared.core.errors import ImangorError
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.endings import end_job
from shared.jobs.erasure import erase_media
from shared.jobs.publishing import RECEIPT
from shared.jobs.receipts import receipt_of
from shared.jobs.repository import JobRecord, JobRepository, TargetRecord
from shared.jobs.schemas import CreateJob, Job, SignedUpload, Step
from shared.jobs.states import ENDED, JobState
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Scene
from shared.selftest.account import ACCOUNT, provide
from shared.selftest.card import Words, picture
from shared.selftest.runs import FORGET, SelfTests
from shared.selftest.schemas import Fault, SelfTest, SelfTestState
from shared.selftest.scoring import score
from shared.selftest.stages import Stage, Times, lost_at, times
from shared.storage.gcs import Storage
from shared.translation.memory import forget

PATIENCE: Final = timedelta(minutes=10)
"""A self-test that has not ended by then is lost."""
NAME: Final = "card.png"
LARGEST: Final = 8 * 1024 * 1024

T = TypeVar("T")
Accept = Callable[[UnitOfWork, CreateJob], Job]
Send = Callable[[SignedUpload, bytes], None]


@dataclass(frozen=True)
class Found:
    """The card's job as it stands."""

    job: JobRecord
    target: TargetRecord
    steps: list[Step]
    scene: Scene | None

    @property
    def read(self) -> list[str]:
        """The texts that were read."""
        return [block.text for block in self.scene.blocks] if self.scene else []

    def translated(self, language: str) -> list[str]:
        """What stands in the result: the translations, and the texts that have none."""
        blocks = self.scene.blocks if self.scene else []
        found = [(block, block.translations.get(language)) for block in blocks]
        return [block.text if made is None or not made.text else made.text for block, made in found]


class Canary:
    """Runs as the system role, and under the self-test's own account alone."""

    def __init__(
        self,
        open_uow: Callable[[str | None], UnitOfWork],
        accept: Accept,
        send: Send,
        storage: Storage,
        results: str,
        card: Words,
        settings: SelfTestSettings,
    ):
        """`accept` makes a job as the API does, and `send` uploads by the request that the job comes with;
        `results` is the bucket.
        """
        self._open_uow = open_uow
        self._accept = accept
        self._send = send
        self._storage = storage
        self._results = results
        self._card = card
        self._settings = settings

    def round(self) -> None:
        """Take one step, if there is one to take."""
        with self._open_uow(None) as uow:
            uow.sql(FORGET)
            tests = SelfTests(uow)
            if self._settings.selftest_minutes:
                tests.request(f"{self._settings.selftest_minutes} minutes")
            test = tests.under_way()
        if test is None:
            return
        if test.state is SelfTestState.REQUESTED:
            self._begin(test.id)
        else:
            self._look(test)

    def _begin(self, test: str) -> None:
        with self._open_uow(None) as uow:
            if not SelfTests(uow).start(test):
                return
        stage, spent = Stage.ACCEPT, Times()
        try:
            job, spent[stage] = _timed(lambda: self._order(test))
            stage = Stage.UPLOAD
            _, spent[stage] = _timed(lambda: self._upload(job))
        except Exception as error:
            self._end(test, spent, Fault.BROKEN, stage, _slug(error))
            raise
        with self._open_uow(None) as uow:
            SelfTests(uow).note(test, milliseconds=spent)

    def _order(self, test: str) -> Job:
        with self._open_uow(ACCOUNT) as uow:
            provide(uow, test)
        wanted = {"source_language": self._card.source, "targets": [self._card.target], "name": NAME}
        order = CreateJob.model_validate(wanted)
        with self._open_uow(ACCOUNT) as uow:
            job = self._accept(uow, order)
            SelfTests(uow).note(test, job_id=job.id)
        return job

    def _upload(self, job: Job) -> None:
        assert job.upload is not None  # noqa: S101 - a job that is made without a file has one
        self._send(job.upload.put, picture())

    def _look(self, test: SelfTest) -> None:
        with self._open_uow(ACCOUNT) as uow:
            waited = test.started_at is not None and uow.now - test.started_at > PATIENCE
            found = None if test.job is None else _find(uow, test.job)
        if found is None:
            if waited:
                self._end(test.id, {}, Fault.BROKEN, Stage.ACCEPT)
            return
        try:
            lost = not self._judged(test, found)
        except Exception:
            # Whatever this is, it must not keep the next self-test from being begun.
            if waited:
                self._give_up(test, found)
            raise
        if lost and (waited or (found.job.state in ENDED and found.job.state is not JobState.COMPLETED)):
            self._give_up(test, found)

    def _judged(self, test: SelfTest, found: Found) -> bool:
        """Judge the card if it is back with its receipt, the last thing that is written."""
        published_at = self._published_at(found.job) if found.job.state is JobState.COMPLETED else None
        if published_at is None:
            return False
        self._judge(test, found, published_at)
        return True

    def _published_at(self, job: JobRecord) -> datetime | None:
        receipt = self._storage.stat(self._results, job.results_prefix + RECEIPT)
        return None if receipt is None else receipt.updated

    def _judge(self, test: SelfTest, found: Found, published_at: datetime) -> None:
        assert test.started_at is not None  # noqa: S101 - it has a job
        result = self._storage.get(self._results, str(found.target.result_object), max_bytes=LARGEST)
        quality = score(self._card, found.read, found.translated(self._card.target), result)
        spent = times(test.started_at, test.milliseconds, found.steps, published_at)
        fault, stage = None, quality.poor
        if stage is not None:
            fault = Fault.POOR
        elif sum(spent.values()) > self._settings.selftest_seconds * 1000:
            fault, stage = Fault.SLOW, max(spent, key=lambda each: spent[each])
        with self._open_uow(ACCOUNT) as uow:
            job = JobRepository(uow).get(found.job.id, lock=True)
            ended = SelfTests(uow).end(test.id, spent, fault, stage, quality=quality)
            if ended and fault is None:
                erase_media(uow, job)
            else:
                forget(uow, job.id)

    def _give_up(self, test: SelfTest, found: Found) -> None:
        stage, error = lost_at(found.job.state, found.steps)
        with self._open_uow(ACCOUNT) as uow:
            job = JobRepository(uow).get(found.job.id, lock=True)
            error = error or (job.error["slug"] if job.error else None)
            SelfTests(uow).end(test.id, test.milliseconds, Fault.BROKEN, stage, error)
            if job.state not in ENDED:
                end_job(uow, job, JobState.CANCELLED)
            forget(uow, job.id)

    def _end(self, test: str, spent: Times, fault: Fault, stage: Stage, error: str | None = None) -> None:
        with self._open_uow(None) as uow:
            SelfTests(uow).end(test, spent, fault, stage, error)


def _find(uow: UnitOfWork, job: str) -> Found | None:
    record = JobRepository(uow).find(job)
    if record is None:
        return None
    (target,) = JobRepository(uow).targets([job])[job]
    return Found(record, target, receipt_of(uow, record).steps, SceneRepository(uow).find(job))


def _timed(work: Callable[[], T]) -> tuple[T, int]:
    """What `work` gives, and the milliseconds that it took."""
    began = time.monotonic()
    done = work()
    return done, round((time.monotonic() - began) * 1000)


def _slug(error: Exception) -> str:
    return error.slug if isinstance(error, ImangorError) else ImangorError.slug
