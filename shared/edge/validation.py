"""From pydantic's errors to ours: a JSON pointer, a stable code and a sentence of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import core_schema

from shared.core.errors import FieldError, InvalidInput

_ONE = re.compile(r"\b1 (item|character)s\b")
MAX_ERRORS = 50
MAX_STEP = 100
"""Characters of a member's name that are repeated to the caller."""

_SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("required", "This is required."),
    "extra_forbidden": ("unknown-member", "There is no member of this name."),
    "string_type": ("type", "This must be a text."),
    "string_too_short": ("too-short", "This must have at least {min_length} characters."),
    "string_too_long": ("too-long", "This must have at most {max_length} characters."),
    "string_pattern_mismatch": ("pattern", "This does not have the required form."),
    "too_short": ("too-few", "This must have at least {min_length} items."),
    "too_long": ("too-many", "This must have at most {max_length} items."),
    "int_type": ("type", "This must be a whole number."),
    "int_parsing": ("type", "This must be a whole number."),
    "int_from_float": ("type", "This must be a whole number."),
    "float_type": ("type", "This must be a number."),
    "float_parsing": ("type", "This must be a number."),
    "bool_type": ("type", "This must be true or false."),
    "bool_parsing": ("type", "This must be true or false."),
    "list_type": ("type", "This must be a list."),
    "dict_type": ("type", "This must be an object."),
    "model_type": ("type", "This must be an object."),
    "model_attributes_type": ("type", "This must be an object."),
    "none_required": ("type", "This must be null."),
    "greater_than": ("range", "This must be more than {gt}."),
    "greater_than_equal": ("range", "This must be {ge} or more."),
    "less_than": ("range", "This must be less than {lt}."),
    "less_than_equal": ("range", "This must be {le} or less."),
    "enum": ("choice", "This must be one of: {expected}."),
    "literal_error": ("choice", "This must be one of: {expected}."),
    "union_tag_invalid": ("choice", "The member {discriminator} must be one of: {expected_tags}."),
    "union_tag_not_found": ("required", "The member {discriminator} is required."),
    "datetime_parsing": ("type", "This must be an RFC 3339 time."),
    "datetime_from_date_parsing": ("type", "This must be an RFC 3339 time."),
    "datetime_type": ("type", "This must be an RFC 3339 time."),
    "timezone_aware": ("type", "This time must have an offset, such as Z."),
    "url_parsing": ("type", "This must be a URL."),
    "url_scheme": ("choice", "The URL's scheme must be one of: {expected_schemes}."),
}


def invalid(error: ValidationError, data: Any, under: str = "") -> InvalidInput:
    """Describe the first errors; `data` is what was validated, `under` is put before each pointer."""
    found = error.errors(include_url=False, include_input=False)[:MAX_ERRORS]
    return InvalidInput(errors=list(dict.fromkeys(_describe(e, data, under) for e in found)))


def validate(model: type[BaseModel], data: Any, under: str = "") -> Any:
    """Validate the texts of a form or a query, which are converted as needed. Raises `InvalidInput`."""
    try:
        return model.model_validate(data, strict=False)
    except ValidationError as error:
        raise invalid(error, data, under) from None


def pointer(loc: tuple[int | str, ...], data: Any, missing: bool = False) -> str:
    """An RFC 6901 pointer into `data`; what pydantic adds for unions and functions is left out.

    `missing` says that the last step is a member that should be there.
    """
    parts: list[str] = []
    for position, step in enumerate(loc):
        absent = missing and position == len(loc) - 1
        if isinstance(data, Mapping) and (step in data or absent):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            continue
        parts.append(str(step)[:MAX_STEP].replace("~", "~0").replace("/", "~1"))
    return "".join("/" + p for p in parts)


def _describe(error: Mapping[str, Any], data: Any, under: str) -> FieldError:
    kind, facts = error["type"], error.get("ctx", {})
    where = under + pointer(error["loc"], data, missing=kind == "missing")
    if kind == "value_error":
        return FieldError(where, "invalid", str(facts["error"]))
    if kind not in _built_in():
        return FieldError(where, kind, error["msg"])
    code, sentence = _SENTENCES.get(kind, ("invalid", "This is not a valid value."))
    return FieldError(where, code, _ONE.sub(r"1 \1", sentence.format_map(facts)))


@cache
def _built_in() -> frozenset[str]:
    return frozenset(get_args(core_schema.ErrorType))
