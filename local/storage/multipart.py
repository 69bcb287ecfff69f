"""The body of a multipart upload: `multipart/related` with a JSON part and a media part.

Source: RFC 2387 and RFC 2046, section 5.1. A body that ends before its closing delimiter is refused:
a truncated upload must not become an object.
"""

from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesHeaderParser

from local.storage.errors import invalid


def boundary_of(content_type: str) -> bytes:
    """The boundary named in the Content-Type header; StorageError 400 when there is none."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/related" or not boundary:
        raise invalid("A multipart upload needs Content-Type multipart/related with a boundary")
    return boundary.encode()


class RelatedBody:
    """Reads the parts in order, as the bytes arrive."""

    def __init__(self, blocks: AsyncIterator[bytes], boundary: bytes) -> None:
        self.blocks = blocks
        self.delimiter = b"\r\n--" + boundary
        # The line break before the first delimiter may be missing; with it, all delimiters are alike.
        self.buffer = b"\r\n"

    async def metadata(self) -> bytes:
        """The first part's content."""
        await self._collect(self.delimiter)
        await self._collect(b"\r\n\r\n")
        return await self._collect(self.delimiter)

    async def media_type(self) -> str | None:
        """The second part's Content-Type; call it after `metadata`."""
        headers = BytesHeaderParser().parsebytes((await self._collect(b"\r\n\r\n")).lstrip())
        return headers.get("Content-Type")

    async def media(self) -> AsyncIterator[bytes]:
        """The second part's content; raises StorageError 400 at its end unless it is the last part."""
        async for block in self._until(self.delimiter):
            yield block
        while len(self.buffer) < 2:
            await self._fill()
        if not self.buffer.startswith(b"--"):
            raise invalid("A multipart upload has exactly two parts")

    async def _collect(self, mark: bytes) -> bytes:
        return b"".join([block async for block in self._until(mark)])

    async def _until(self, mark: bytes) -> AsyncIterator[bytes]:
        """What comes before the mark, which is consumed too."""
        while (found := self.buffer.find(mark)) < 0:
            safe = max(0, len(self.buffer) - len(mark) + 1)
            if safe:
                yield self.buffer[:safe]
                self.buffer = self.buffer[safe:]
            await self._fill()
        block, self.buffer = self.buffer[:found], self.buffer[found + len(mark) :]
        yield block

    async def _fill(self) -> None:
        block = await anext(self.blocks, None)
        if block is None:
            raise invalid("The multipart body ends before its closing delimiter")
        self.buffer += block
