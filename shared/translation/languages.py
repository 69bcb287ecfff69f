"""Which languages this deployment translates between: the provider's own list, cached."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache, cache_key
from shared.core.errors import FieldError, TransientError
from shared.translation.errors import UnsupportedLanguage
from shared.translation.tags import base

CACHE_SECONDS: Final = 6 * 3600
PROCESS_SECONDS: Final = 300


class Language(BaseModel):
    """A language, and whether it can be translated from and into."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="BCP 47")
    name: str
    source: bool
    target: bool


class LanguageList(BaseModel):
    """All languages of the deployment."""

    model_config = ConfigDict(extra="forbid")

    languages: list[Language]


_LIST: Final = TypeAdapter(list[Language])


class Languages:
    """Answers from the cache; asks the provider when nobody has lately. One for the process."""

    def __init__(self, cache: RedisCache, load: Callable[[], list[Language]]):
        self._cache = cache
        self._load = load
        self._last: tuple[float, list[Language]] | None = None

    def all(self) -> list[Language]:
        """Every language, by code.

        The process remembers the list as well, and keeps it when the provider does not answer: whether a
        job is accepted does not hang on that.
        """
        last = self._last
        if last is not None and time.monotonic() - last[0] < PROCESS_SECONDS:
            return last[1]
        try:
            found = self._read()
        except TransientError:
            if last is None:
                raise
            return last[1]
        self._last = (time.monotonic(), sorted(found, key=lambda language: language.code))
        return self._last[1]

    def _read(self) -> list[Language]:
        found = read_through(
            self._cache,
            cache_key("languages", "all"),
            CACHE_SECONDS,
            self._load,
            _LIST.dump_json,
            _LIST.validate_json,
            name="languages",
        )
        return found or []

    def require(self, source: str | None, targets: list[str]) -> None:
        """Raise `UnsupportedLanguage`, naming each language that is not on the list and where it stood."""
        known = self.all()
        sources = {base(language.code) for language in known if language.source}
        offered = {base(language.code) for language in known if language.target}
        errors = [
            FieldError(f"/targets/{i}", "unsupported-language", f"Nothing is translated into '{tag}' here.")
            for i, tag in enumerate(targets)
            if base(tag) not in offered
        ]
        if source is not None and base(source) not in sources:
            detail = f"Nothing is translated from '{source}' here."
            errors.insert(0, FieldError("/source_language", "unsupported-language", detail))
        if errors:
            raise UnsupportedLanguage(" ".join(error.detail for error in errors), errors=errors)
