"""Writes that wait for each other, so that they cost one round trip together.

They become data-modifying CTEs of one statement: all see the same snapshot, none sees another's rows, and
foreign keys between them are checked when all are done (PostgreSQL, "Data-Modifying Statements in WITH").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Delete, Insert, Select, Update
    from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

    Write = Insert | Update | Delete | ReturningInsert[Any] | ReturningUpdate[Any]

Row = dict[str, Any]
Then = Callable[[list[Row]], None]


class _Waiting(NamedTuple):
    write: Write
    parameters: dict[str, Any]
    then: Then | None


class WriteBatch:
    """The writes of one unit of work that have not been sent yet."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, _Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    def clashes(self, parameters: dict[str, Any], key: Hashable) -> bool:
        """Whether another waiting write wants different values under the same names."""
        others = [each.parameters for known, each in self._waiting.items() if known != key]
        return any(
            other[name] is not value and other[name] != value
            for other in others
            for name, value in parameters.items()
            if name in other
        )

    def add(self, write: Write, parameters: dict[str, Any], then: Then | None, key: Hashable) -> None:
        """Add a write, in place of a waiting one with the same `key`."""
        self._waiting[object() if key is None else key] = _Waiting(write, parameters, then)

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def take(self) -> tuple[Select[Any], dict[str, Any], list[Then]]:
        """One statement for all that waits, its parameters, and who wants each of the columns it gives."""
        taken = list(self._waiting.values())
        self._waiting.clear()
        parameters = {name: value for each in taken for name, value in each.parameters.items()}
        statement = _together(tuple((each.write, each.then is not None) for each in taken))
        return statement, parameters, [each.then for each in taken if each.then is not None]


@lru_cache(maxsize=256)
def _together(writes: tuple[tuple[Write, bool], ...]) -> Select[Any]:
    """The statement for these writes. It is kept because building it takes longer than running it."""
    from sqlalchemy import func, literal_column, select
    from sqlalchemy.dialects.postgresql import JSONB

    parts = [write.cte(f"w{number}") for number, (write, _) in enumerate(writes)]
    columns: list[ColumnElement[Any]] = [
        select(func.jsonb_agg(literal_column(part.name), type_=JSONB)).select_from(part).scalar_subquery()
        for part, (_, wanted) in zip(parts, writes, strict=True)
        if wanted
    ]
    return select(*(columns or [literal_column("1")])).add_cte(*parts)
