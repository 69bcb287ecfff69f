"""What a probe finds out about a file without working on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.core.errors import ImangorError, TooLarge


class UnreadableFile(ImangorError):
    """The content is cut short, damaged or protected, and cannot be measured."""

    slug, status, title = "unreadable-file", 422, "Unreadable file"


class TooMuchInside(TooLarge):
    """The file holds more than the limit when it is unpacked."""

    slug, title = "too-much-inside", "Too much inside"


@dataclass(frozen=True)
class Facts:
    """A file's medium and size: `pages` of pictures and PDF, `seconds` of sound, `characters` of text.

    Characters are Unicode code points, as the provider counts them. `pixels` are those of the largest page.
    """

    medium: Literal["picture", "speech", "document", "text"]
    media_type: str | None
    pages: int | None = None
    seconds: float | None = None
    characters: int | None = None
    pixels: int | None = None
