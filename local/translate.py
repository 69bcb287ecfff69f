"""`python -m local translate`: send files through the running cloud and write the results beside them."""

from __future__ import annotations

import mimetypes
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from local.state import State

MULTIPART_LIMIT = 20 * 1000 * 1000
_CHUNK = 8 * 1024 * 1024
_TERMINAL = {"completed", "partly_completed", "failed", "cancelled", "expired"}
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
_PATIENCE = 600


class Failed(Exception):
    """A file could not be translated; the text is for the person at the terminal."""


@dataclass
class Work:
    """One file on its way."""

    file: Path
    job: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.problem is not None or self.job.get("state") in _TERMINAL


class Api:
    """The few calls of the public API that a translation needs."""

    def __init__(self, gateway: str, api_key: str) -> None:
        self._gateway = gateway
        self._session = requests.Session()
        self._session.headers["X-Api-Key"] = api_key

    def submit(self, file: Path, source: str, targets: list[str], *, resumable: bool) -> dict[str, Any]:
        """Create a job and bring the file to it: in the same request, or by a signed resumable upload."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        if not resumable and file.stat().st_size < MULTIPART_LIMIT:
            fields = {"targets": ",".join(targets), "source_language": source}
            with file.open("rb") as content:
                part = {"file": (file.name, content, media_type(file))}
                return self._call("POST", "/v1/jobs", data=fields, files=part, headers=key)
        body = {"source_language": source, "targets": targets, "name": file.name}
        job = self._call("POST", "/v1/jobs", json=body, headers=key)
        _upload(job["upload"]["resumable"], file)
        return job

    def job(self, ident: str) -> dict[str, Any]:
        """The job as it is now."""
        return self._call("GET", f"/v1/jobs/{ident}")

    def outputs(self, ident: str) -> list[dict[str, Any]]:
        """The job's results, each with a signed `url`."""
        return list(self._call("GET", f"/v1/jobs/{ident}/outputs")["outputs"])

    def _call(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        try:
            answer = self._session.request(method, self._gateway + path, timeout=120, **how)
        except requests.RequestException as error:
            raise Failed(f"the gateway does not answer: {error}") from None
        if answer.status_code >= 400:
            raise Failed(describe(answer))
        return dict(answer.json())


def translate(
    state: State, files: list[Path], source: str, targets: list[str], *, resumable: bool = False
) -> int:
    """Translate files; exit status 1 when any of them failed."""
    connection = state.connection()
    api = Api(connection["gateway"], connection["api_key"])
    works = [Work(file) for file in files]
    bar = Bar(len(works) * max(1, len(targets)))
    for work in works:
        bar.show(0, f"sending {work.file.name}")
        _guarded(work, lambda w: _submit(api, w, source, targets, resumable=resumable))
    _wait(api, works, bar)
    bar.clear()
    for work in works:
        if work.problem is None:
            _guarded(work, lambda w: _collect(api, w))
    for work in works:
        if work.problem is not None:
            print(f"{work.file}: {work.problem}", file=sys.stderr)
    return 1 if any(work.problem for work in works) else 0


def media_type(file: Path) -> str:
    """The media type that a file's name suggests; the server looks at the content."""
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def describe(answer: requests.Response) -> str:
    """A problem document as one readable text that says each thing once."""
    try:
        document = answer.json()
        title, detail = document["title"], document.get("detail", "")
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code} {answer.reason}"
    wrongs = [
        f"{wrong.get('pointer', '')}: {wrong.get('detail', wrong.get('code', ''))}".removeprefix(": ")
        for wrong in document.get("errors", [])
    ]
    if wrongs and detail.startswith(wrongs[0]):
        # The detail is the first of the errors, with a word about how many there are.
        detail, wrongs = (wrongs[0], []) if len(wrongs) == 1 else ("", wrongs)
    lines = [f"{title}: {detail}".rstrip(": ") + f" (HTTP {answer.status_code})", *wrongs]
    return "\n    ".join(lines)


def reasons(job: dict[str, Any]) -> str:
    """Why the job failed: each reason once, with the languages that it holds for."""
    languages: dict[str, list[str]] = {}
    for part in [job, *job["targets"]]:
        if part["error"]:
            languages.setdefault(part["error"]["detail"], []).extend(filter(None, [part.get("language")]))
    lines = [f"job {job['id']}: {job['state'].replace('_', ' ')}"]
    for reason, concerned in languages.items():
        lines.append(f"{', '.join(concerned)}: {reason}" if concerned else reason)
    return "\n    ".join(lines)


def result_path(file: Path, language: str, kind: str) -> Path:
    """`sign.jpg` in Spanish is `sign.es.jpg`; the suffix follows the result's media type."""
    same = kind == media_type(file)
    suffix = file.suffix if same else _SUFFIXES.get(kind) or mimetypes.guess_extension(kind) or file.suffix
    return file.with_name(f"{file.stem}.{language}{suffix}")


def _guarded(work: Work, step: Callable[[Work], None]) -> None:
    try:
        step(work)
    except (Failed, OSError) as error:
        work.problem = str(error)


def _submit(api: Api, work: Work, source: str, targets: list[str], *, resumable: bool) -> None:
    if work.file.is_dir():
        raise Failed("this is a folder; give the files in it")
    if not work.file.is_file():
        raise Failed("there is no such file")
    work.job = api.submit(work.file, source, targets, resumable=resumable)


def _wait(api: Api, works: list[Work], bar: Bar) -> None:
    deadline, pause = time.monotonic() + _PATIENCE, 0.1
    while open_ones := [work for work in works if not work.over]:
        for work in open_ones:
            _guarded(work, lambda w: w.job.update(api.job(w.job["id"])))
        bar.show(sum(_ended_targets(work) for work in works), _doing(works))
        if time.monotonic() > deadline:
            for work in open_ones:
                work.problem = f"not finished after {_PATIENCE} s; job {work.job['id']}"
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)


def _collect(api: Api, work: Work) -> None:
    # Outputs without a language are about the whole job: its scene, its receipt.
    for output in [output for output in api.outputs(work.job["id"]) if output.get("language")]:
        path = result_path(work.file, output["language"], output.get("media_type", media_type(work.file)))
        with requests.get(output["url"], stream=True, timeout=120) as answer, path.open("wb") as file:
            if answer.status_code != 200:
                raise Failed(f"the result could not be fetched: {describe(answer)}")
            for chunk in answer.iter_content(1024 * 1024):
                file.write(chunk)
        print(path)
    if work.job["state"] != "completed":
        raise Failed(reasons(work.job))


def _ended_targets(work: Work) -> int:
    targets = work.job.get("targets", [])
    ended = sum(target["state"] in ("done", "failed", "cancelled") for target in targets)
    return len(targets) if work.over else ended


def _doing(works: list[Work]) -> str:
    states = [str(work.job.get("state", "")) for work in works if not work.over]
    return states[0].replace("_", " ") if states else "done"


def _upload(target: dict[str, Any], file: Path) -> None:
    started = requests.request(target["method"], target["url"], headers=target["headers"], timeout=60)
    if started.status_code not in (200, 201):
        raise Failed(f"the upload could not begin: HTTP {started.status_code} {started.text[:200]}")
    session, size = started.headers["Location"], file.stat().st_size
    for begin, chunk in _chunks(file):
        span = f"bytes {begin}-{begin + len(chunk) - 1}/{size}" if size else "bytes */0"
        answer = requests.put(session, data=chunk, headers={"Content-Range": span}, timeout=120)
        if answer.status_code not in (200, 201, 308):
            raise Failed(f"the upload failed: HTTP {answer.status_code} {answer.text[:200]}")


def _chunks(file: Path) -> Iterator[tuple[int, bytes]]:
    begin = 0
    with file.open("rb") as content:
        while (chunk := content.read(_CHUNK)) or not begin:
            yield begin, chunk
            begin += len(chunk) or 1


class Bar:
    """A progress bar on a terminal; nothing where output goes into a file."""

    def __init__(self, total: int) -> None:
        self._total, self._shown = total, sys.stderr.isatty()

    def show(self, done: int, text: str) -> None:
        """Draw it again."""
        if self._shown:
            columns = shutil.get_terminal_size().columns
            width = max(10, min(40, columns - 40))
            text = text[: max(0, columns - width - 12)]
            filled = width * done // self._total
            print(
                f"\r\x1b[K[{'#' * filled}{'.' * (width - filled)}] {done}/{self._total} {text}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def clear(self) -> None:
        """Take it off the screen."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
