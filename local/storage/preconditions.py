"""Preconditions on generation and metageneration, as the JSON API's parameters and the XML API's headers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol, Self

from local.storage.errors import condition_not_met, invalid, not_modified


class Versioned(Protocol):
    """What conditions are checked against."""

    @property
    def generation(self) -> int:
        """The version of the content, in microseconds of its creation."""

    @property
    def metageneration(self) -> int:
        """The version of the metadata, from 1."""


def whole_number(name: str, text: str | None) -> int | None:
    """A parameter's number, None when it was not given; StorageError 400 when it is none."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise invalid(f"Invalid value for {name}: {text!r}")
    return int(text)


@dataclass(frozen=True)
class Preconditions:
    """Conditions one request puts on the live version; None means not asked. Generation 0 is "no object"."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str], subject: str = "") -> Self:
        """From `ifGenerationMatch` and its kin, or with subject "Source" of a copy's source."""
        names = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
        return cls(*(whole_number(f"if{subject}{n}", query.get(f"if{subject}{n}")) for n in names))

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self:
        """From the XML API's `x-goog-if-generation-match` and `x-goog-if-metageneration-match`."""
        generation, metageneration = "x-goog-if-generation-match", "x-goog-if-metageneration-match"
        return cls(
            generation_match=whole_number(generation, headers.get(generation)),
            metageneration_match=whole_number(metageneration, headers.get(metageneration)),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """For keeping with a resumable session."""
        return json.dumps(asdict(self))

    def check(self, current: Versioned | None, *, reading: bool = False) -> None:
        """Hold them against the current version (None: there is none).

        Raises StorageError 412, or 304 when a read's "not match" condition matches.
        """
        generation = current.generation if current else 0
        metageneration = current.metageneration if current else None
        unlike = not_modified if reading else condition_not_met
        if self.generation_match is not None and self.generation_match != generation:
            raise condition_not_met()
        if self.metageneration_match is not None and self.metageneration_match != metageneration:
            raise condition_not_met()
        if self.generation_not_match is not None and self.generation_not_match == generation:
            raise unlike()
        if self.metageneration_not_match is not None and self.metageneration_not_match == metageneration:
            raise unlike()
