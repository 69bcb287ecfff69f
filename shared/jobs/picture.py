"""A picture's way: recognise it once, then set it in each target language."""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core.again import again
from shared.core.errors import ImangorError
from shared.core.formats import MEDIA_TYPES, SUFFIXES, Format
from shared.core.tracing import span
from shared.db.leases import LeaseLost
from shared.jobs.alarms import alarm
from shared.jobs.charges import cost, hold_pages, why_free
from shared.jobs.dispatch import start_rendering
from shared.jobs.endings import complete_target, end_job, fail_target
from shared.jobs.errors import SourceGone, StepFailed
from shared.jobs.messages import ProcessImage, Try
from shared.jobs.names import MAX_UPLOAD_BYTES
from shared.jobs.quoting import keep_quote
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.results import ResultFiles
from shared.jobs.states import ENDED, TARGET_ENDED, JobState
from shared.jobs.steps import OpenUnitOfWork, StepRun, claimed
from shared.providers.translate import Translator
from shared.providers.vision import ENGINE, VisionRecognizer
from shared.scenes.recognition import Recognition
from shared.scenes.repository import SceneRepository, translated
from shared.storage.errors import ObjectMissing
from shared.storage.gcs import Storage
from shared.translation.memory import bought, bought_for, keep, recognition_key
from shared.translation.service import SceneTranslator

if TYPE_CHECKING:
    from shared.db.unit_of_work import UnitOfWork
    from shared.imaging.files.decode import Picture
    from shared.imaging.formats.make import File
    from shared.imaging.render import Rendered
    from shared.imaging.typesetting.fonts import FontLibrary
    from shared.scenes.schemas import Scene

_log = logging.getLogger(__name__)

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/tiff": "tiff",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/avif": "avif",
}


class PictureWorker:
    """Does the steps. Providers are made for the account's location; fonts are loaded when first drawn."""

    def __init__(
        self,
        open_uow: OpenUnitOfWork,
        storage: Storage,
        uploads: str,
        files: ResultFiles,
        recognizer: Callable[[str], VisionRecognizer],
        translator: Callable[[str], Translator],
        fonts: Callable[[], FontLibrary],
    ):
        self._open_uow = open_uow
        self._storage = storage
        self._uploads = uploads
        self._files = files
        self._recognizer = recognizer
        self._translator = translator
        self._fonts = fonts

    def process(self, task: ProcessImage, attempt: Try) -> None:
        """Do the step unless it is done. Raises `LeaseHeld` while another worker does it."""
        try:
            self._attempt(task, attempt)
        except LeaseLost:
            # Somebody else does the step, or nobody needs it any more: not a failure of the job.
            _log.warning("a late result was refused", extra={"fields": {"job": task.job, "step": task.step}})

    def _attempt(self, task: ProcessImage, attempt: Try) -> None:
        with claimed(self._open_uow, task, attempt) as run:
            if run is None:
                return
            if task.step == "recognise":
                self._recognise(run)
            else:
                self._render(run, str(task.target))

    def fail(self, task: ProcessImage, reason: Exception) -> None:
        """The step will never succeed: end what depends on it and give its credits back.

        Errors of status 500 speak of our insides, which no customer should read.
        """
        error = reason if isinstance(reason, ImangorError) and reason.status != 500 else StepFailed()
        again(lambda: self._fail(task, error))

    def _fail(self, task: ProcessImage, error: ImangorError) -> None:
        with self._open_uow(task.account) as uow:
            job = JobRepository(uow).find(task.job, lock=True)
            if job is None or job.state in ENDED:
                return
            if task.target is None:
                end_job(uow, job, JobState.FAILED, error)
                alarm(uow, error)
                return
            states = {t.language: t.state for t in JobRepository(uow).targets([job.id])[job.id]}
            if states.get(task.target) not in {None, *TARGET_ENDED}:
                fail_target(uow, job, task.target, error)

    def _recognise(self, run: StepRun) -> None:
        from shared.imaging.files.decode import probe
        from shared.imaging.pages import gathered

        source = self._source(run)
        pages = probe(source).pages
        with self._open_uow(run.task.account) as uow:
            keep_quote(uow, run.job, pages, sha256(source).hexdigest())
            hold_pages(uow, run.job, pages)
        scene = gathered([self._scene(run, source, page) for page in range(pages)])

        def write(uow: UnitOfWork, job: JobRecord) -> None:
            repository = JobRepository(uow)
            buys = bool(run.calls) or bought_for(uow, run.keys, job.id)
            SceneRepository(uow).add(job.id, scene, bought=buys)
            repository.change(job.id, source_media_type=scene.source.media_type, pages=pages)
            open_targets = [t for t in repository.targets([job.id])[job.id] if t.state not in TARGET_ENDED]
            start_rendering(uow, job, [target.language for target in open_targets])

        run.record(write)

    def _scene(self, run: StepRun, source: bytes, page: int) -> Scene:
        """What is read on one page."""
        from shared.imaging.files.decode import decode
        from shared.imaging.scene import build_scene
        from shared.scenes.schemas import LeaveAlone

        with span("decode"):
            picture = decode(source, page)
        recognition = self._read(run, picture).scaled(picture.width, picture.height)
        leave_alone = LeaveAlone.model_validate(run.job.leave_alone or {})
        with span("build the scene"):
            return build_scene(recognition, picture, ENGINE, leave_alone, self._fonts())

    def _read(self, run: StepRun, picture: Picture) -> Recognition:
        """The page's words, bought before or bought now and remembered at once."""
        from shared.imaging.files.derivative import derivative

        hint = run.job.source_language
        key = recognition_key(run.location, picture.sha256, hint, picture.page)
        run.keys.append(key)
        with self._open_uow(run.task.account) as uow:
            known = bought(uow, [key])
        if key in known:
            run.cache_hits += 1
            return Recognition.model_validate(known[key])
        with span("make a copy to read"):
            copy = derivative(picture)
        recognizer = self._recognizer(run.location)
        recognition, call = recognizer.recognise(copy.data, copy.width, copy.height, hint)
        run.calls.append(call)
        with self._open_uow(run.task.account) as uow:
            keep(uow, {key: recognition.model_dump(mode="json")}, run.job.id)
        return recognition

    def _render(self, run: StepRun, target: str) -> None:
        with self._open_uow(run.task.account) as uow:
            scene = SceneRepository(uow).find(run.task.job)
        if scene is None:
            raise SourceGone("The picture's scene was removed before it could be drawn.")
        texts = SceneTranslator(
            lambda: self._open_uow(run.task.account),
            self._translator(run.location),
            run.location,
            run.job.id,
        ).translate(scene, run.job.source_language, target)
        run.calls += texts.calls
        run.cache_hits += texts.cache_hits
        pages = max(1, len(scene.source.pages))
        scene = translated(scene, target, texts.blocks)
        rendered, files = self._draw(run, scene, target)
        for block, drawn in rendered.drawn.items():
            texts.blocks[block] = texts.blocks[block].worded(drawn.text)
        for block, flags in rendered.flags.items():
            texts.blocks[block].flags += flags
        name = self._write(run, target, EXTENSIONS[rendered.media_type], rendered.data, rendered.media_type)
        for file in files:
            self._write(run, target, SUFFIXES[file.format], file.data, MEDIA_TYPES[file.format])
        result = {
            "result_object": name,
            "result_media_type": rendered.media_type,
            "result_bytes": len(rendered.data),
            "flags": {block: flags for block, flags in rendered.flags.items() if flags},
        }

        def write(uow: UnitOfWork, job: JobRecord) -> None:
            SceneRepository(uow).translate(job.id, target, texts.blocks)
            free = why_free(uow, job, texts.keys, called=bool(texts.calls))
            complete_target(uow, job, target, result, free, cost(job, pages))

        run.record(write)

    def _draw(self, run: StepRun, scene: Scene, target: str) -> tuple[Rendered, list[File]]:
        """The picture with its new texts, and the files that the job wants besides."""
        from shared.imaging.formats.make import make

        source, wanted = self._source(run), [Format(name) for name in run.job.formats or []]
        with span("erase, set and draw"):
            return make(source, scene, target, self._fonts(), wanted)

    def _write(self, run: StepRun, target: str, suffix: str, data: bytes, media_type: str) -> str:
        """Write one of the target's files; gives its name."""
        name = f"{run.job.results_prefix}{target}.{suffix}"
        self._files.write(run.job, name, data, media_type)
        run.bytes_written += len(data)
        return name

    def _source(self, run: StepRun) -> bytes:
        """The source's bytes, of exactly the generation that the job was made for."""
        job = run.job
        try:
            data = self._storage.get(
                self._uploads,
                job.source_object,
                job.source_generation,
                max_bytes=MAX_UPLOAD_BYTES,
            )
        except ObjectMissing:
            raise SourceGone() from None
        run.bytes_read += len(data)
        return data
