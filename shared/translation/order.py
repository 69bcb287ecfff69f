"""The languages of an order, as callers write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shared.core.errors import FieldError, InvalidInput
from shared.core.formats import Format
from shared.scenes.schemas import MAX_AREAS, MAX_TERMS, Area, Term
from shared.translation.tags import AUTO, Tag

MAX_TARGETS = 20


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _language(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """One sentence that says what is wanted, in place of what each member of a union misses."""
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError("language", "This must be a language tag such as es or pt-BR.") from None


Language = Annotated[Tag, WrapValidator(_language)]
SourceLanguage = Annotated[Tag | Literal["auto"], WrapValidator(_language)]
Targets = Annotated[list[Language], BeforeValidator(_split), Field(min_length=1, max_length=MAX_TARGETS)]


def _parsed(value: object) -> object:
    """A form's text as the JSON it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise PydanticCustomError("areas", "This must be JSON: a list of areas.") from None


Areas = Annotated[list[Area], BeforeValidator(_parsed), Field(max_length=MAX_AREAS)]
Formats = Annotated[list[Format], BeforeValidator(_split), Field(max_length=len(Format))]
Terms = Annotated[list[Term], BeforeValidator(_split), Field(max_length=MAX_TERMS)]


class LanguageOrder(BaseModel):
    """From which language into which others. An unknown member is an error."""

    model_config = ConfigDict(extra="forbid")

    targets: Targets = Field(
        default_factory=list,
        description="languages to translate into; the account's default ones if left out",
        examples=[["es"]],
    )
    source_language: SourceLanguage = Field(
        AUTO, description="the source's language, or `auto`; the account's default one if left out"
    )

    @field_validator("targets")
    @classmethod
    def distinct(cls, targets: list[str]) -> list[str]:
        """Each language once."""
        if len(set(targets)) != len(targets):
            raise PydanticCustomError("duplicate", "Each target must be given only once.")
        return targets

    @field_validator("source_language")
    @classmethod
    def another_language(cls, source: str, info: ValidationInfo) -> str:
        """Never from a language into itself."""
        if source in info.data.get("targets", ()):
            raise PydanticCustomError("same-language", "This is one of the targets, too.")
        return source

    def filled(self, source: str | None, targets: Iterable[str]) -> Self:
        """The order with these languages where it names none. A default never translates a language into
        itself. Raises `InvalidInput` where no target remains.
        """
        named = "source_language" in self.model_fields_set
        language = self.source_language if named else source or AUTO
        wanted = self.targets or [target for target in targets if target != language]
        if not wanted:
            missing = "Name the targets; the account has no default ones that are of use here."
            raise InvalidInput(errors=[FieldError("/targets", "required", missing)])
        if language in wanted:
            language = AUTO
        return self.model_copy(update={"targets": wanted, "source_language": language})

    @property
    def language(self) -> str | None:
        """The source language, None for `auto`."""
        return None if self.source_language == AUTO else self.source_language
