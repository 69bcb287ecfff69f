"""Receiving content: whole bodies, and chunks of resumable sessions."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from local.storage.backend import Backend
from local.storage.content import Digests
from local.storage.errors import StorageError, invalid, too_large, too_small
from local.storage.objects import Draft
from local.storage.resources import ObjectVersion
from local.storage.sessions import Intent, Session, SizeRange

# Below this, computing checksums is quicker than handing it to a thread.
_INLINE_BYTES = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True)
class Chunk:
    """What a PUT to a session says it carries: bytes `start` to `end` (included) of `total`.

    `start` is None for a status query; `end` and `total` are None when not told.
    """

    start: int | None
    end: int | None
    total: int | None

    @classmethod
    def parse(cls, content_range: str | None, length: int | None) -> "Chunk":
        """From the Content-Range header and the body's length (None: unknown); StorageError 400."""
        if content_range is None:
            return cls(0, None if length is None else length - 1, length)
        match = _CONTENT_RANGE.fullmatch(content_range.strip())
        if not match:
            raise invalid(f"Failed to parse Content-Range header: {content_range!r}")
        total = None if match[3] == "*" else int(match[3])
        if match[1] is None:
            return cls(None, None, total)
        chunk = cls(int(match[1]), int(match[2]), total)
        size = int(match[2]) - int(match[1]) + 1
        if size < 1 or (total is not None and int(match[2]) >= total) or length not in (None, size):
            raise invalid(f"Content-Range {content_range!r} does not fit a body of {length} bytes")
        return chunk


def check_size(sizes: SizeRange, size: int, *, complete: bool = True) -> None:
    """Hold a size in bytes against the signed range; an incomplete body can only be too large."""
    if sizes.most is not None and size > sizes.most:
        raise too_large()
    if complete and sizes.least is not None and size < sizes.least:
        raise too_small()


async def digests(backend: Backend, content: str) -> Digests:
    """Checksums of a content file, computed aside when it is big."""
    if backend.content.size(content) <= _INLINE_BYTES:
        return backend.content.digests(content)
    return await asyncio.to_thread(backend.content.digests, content)


async def receive(backend: Backend, intent: Intent, body: AsyncIterator[bytes]) -> ObjectVersion:
    """Take a whole body and make it the object; StorageError 400, 404 or 412, and then nothing is kept."""
    backend.objects.check(intent.bucket, intent.name, intent.preconditions)
    if intent.total is not None:
        check_size(intent.sizes, intent.total)
    content = backend.content.create()
    try:
        size = 0
        with backend.content.path(content).open("wb") as file:
            async for block in body:
                size += len(block)
                check_size(intent.sizes, size, complete=False)
                file.write(block)
        check_size(intent.sizes, size)
        found = await digests(backend, content)
        found.verify(intent.checksums)
        draft = Draft(intent.bucket, intent.name, content, found, intent.fields, intent.preconditions)
        return backend.objects.commit(draft)
    except BaseException:
        backend.content.remove(content)
        raise


class ResumableUploads:
    """Chunks of sessions. A later PUT to a session takes over from one that is still under way."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.turns: dict[str, int] = {}
        self.finishing = asyncio.Lock()

    def start(self, intent: Intent) -> Session:
        """Open a session, refusing what could never finish (400, 404, 412)."""
        self.backend.objects.check(intent.bucket, intent.name, intent.preconditions)
        if intent.total is not None:
            check_size(intent.sizes, intent.total)
        return self.backend.sessions.start(intent)

    async def put(
        self, session: Session, chunk: Chunk, body: AsyncIterator[bytes], checksums: dict[str, str]
    ) -> ObjectVersion | int:
        """Take a chunk or a status query: the finished object, or how many bytes are persisted.

        `checksums` are those the request itself carries. Raises StorageError 400, 404, 412 or 503.
        """
        if session.finished is not None:
            return self._finished(session)
        known = session.intent.total
        if known is not None and chunk.total not in (None, known):
            raise invalid(f"The total size was {known} bytes before and is {chunk.total} bytes now")
        if chunk.total is not None:
            check_size(session.intent.sizes, chunk.total)
            self.backend.sessions.set_total(session, chunk.total)
            session = self.backend.sessions.get(session.id, session.intent.bucket)
        if chunk.start is not None:
            session = await self._append(session, chunk, body)
        persisted = self.backend.sessions.persisted(session)
        if session.intent.total != persisted:
            return persisted
        return await self._finish(session, checksums)

    async def _append(self, session: Session, chunk: Chunk, body: AsyncIterator[bytes]) -> Session:
        """Write the chunk behind what is persisted, skipping what is there already."""
        persisted = self.backend.sessions.persisted(session)
        start = chunk.start or 0
        if start > persisted:
            message = (
                "Invalid request. According to the Content-Range header,"
                f" the upload offset is {start} byte(s),"
                f" which exceeds already uploaded size of {persisted} byte(s)."
            )
            raise StorageError(503, "backendError", "ServiceUnavailable", message)
        turn = self.turns[session.id] = self.turns.get(session.id, 0) + 1
        position = start
        with self.backend.content.path(session.content).open("r+b") as file:
            file.truncate(persisted)
            file.seek(persisted)
            async for block in body:
                if self.turns.get(session.id) != turn:
                    raise StorageError(
                        503, "backendError", "ServiceUnavailable", "Another request took over."
                    )
                position += len(block)
                check_size(session.intent.sizes, position, complete=False)
                if chunk.end is not None and position > chunk.end + 1:
                    raise invalid("The body is longer than the Content-Range header says")
                if position > persisted:
                    file.write(block[-(position - max(persisted, position - len(block))) :])
                    file.flush()
        return self._received(session, chunk, position)

    def _received(self, session: Session, chunk: Chunk, position: int) -> Session:
        """The session after the whole body; a body without Content-Range and length ends the object."""
        if chunk.end is None:
            self.backend.sessions.set_total(session, position)
        elif position != chunk.end + 1:
            raise invalid("The body is shorter than the Content-Range header says")
        return self.backend.sessions.get(session.id, session.intent.bucket)

    async def _finish(self, session: Session, checksums: dict[str, str]) -> ObjectVersion:
        # One at a time: two requests that both complete a session must not both make an object of it.
        async with self.finishing:
            session = self.backend.sessions.get(session.id, session.intent.bucket)
            if session.finished is not None:
                return self._finished(session)
            intent = session.intent
            check_size(intent.sizes, self.backend.content.size(session.content))
            found = await digests(self.backend, session.content)
            found.verify({**intent.checksums, **checksums})
            draft = Draft(
                intent.bucket, intent.name, session.content, found, intent.fields, intent.preconditions
            )
            version = self.backend.objects.commit(
                draft, then=lambda made: self.backend.sessions.finish(session, made.generation)
            )
            self.turns.pop(session.id, None)
            return version

    def _finished(self, session: Session) -> ObjectVersion:
        return self.backend.objects.find(session.intent.bucket, session.intent.name, session.finished)


def range_header(persisted: int) -> dict[str, str]:
    """The header of a 308 answer: what is persisted, in multiples of 256 KiB; absent when nothing is."""
    return {"Range": f"bytes=0-{persisted - 1}"} if persisted else {}
