"""A file that came with a multipart request."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import IO

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Upload:
    """One file part. `filename` and `content_type` are the caller's words and prove nothing."""

    filename: str
    content_type: str
    stream: IO[bytes]

    def data(self) -> bytes:
        """The whole content."""
        self.stream.seek(0)
        return self.stream.read()

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal; the stream stands at its start afterwards."""
        self.stream.seek(0)
        total = sha256()
        while chunk := self.stream.read(_CHUNK):
            total.update(chunk)
        self.stream.seek(0)
        return total.hexdigest()
