"""JSON as RFC 8259 means it and as our database can keep it; what readers disagree about is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from shared.core.errors import MalformedRequest

MAX_DEPTH = 32


def loads(raw: bytes) -> Any:
    """Parse UTF-8 JSON; raises `MalformedRequest`.

    Refused: NaN and infinities, numbers that overflow to them, members that occur twice, more than 32
    levels, lone surrogates and U+0000 in texts.
    """
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise MalformedRequest(f"The JSON is nested more than {MAX_DEPTH} levels deep.") from None
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The content is not UTF-8 from byte {error.start + 1} on.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"The content is not valid JSON at {where}.") from None
    except ValueError:
        raise MalformedRequest("A number has too many digits.") from None
    _inspect(data)
    return data


def storable(text: str) -> bool:
    """Tell whether a text can be encoded as UTF-8 and kept by PostgreSQL."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _no_constant(name: str) -> NoReturn:
    raise MalformedRequest(f"{name} is not JSON.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedRequest("An object has a member twice.")
    return members


def _inspect(data: Any) -> None:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            _inspect_one(value)
            if isinstance(value, dict):
                below += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                below += value
        if not below:
            return
        level = below
    raise MalformedRequest(f"The JSON is nested more than {MAX_DEPTH} levels deep.")


def _inspect_one(value: Any) -> None:
    if isinstance(value, str) and not storable(value):
        raise MalformedRequest("A text holds U+0000 or half of a surrogate pair.")
    if isinstance(value, float) and not math.isfinite(value):
        raise MalformedRequest("A number is too large.")
