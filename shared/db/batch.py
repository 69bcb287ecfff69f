"""Writes that wait for each other, so that they cost one round trip together.

They become data-modifying CTEs of one statement: all see the same snapshot, none sees another's rows, and
foreign keys between them are checked when all are done (PostgreSQL, "Data-Modifying Statements in WITH").
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Delete, Insert, Select, Update
    from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

    Write = Insert | Update | Delete | ReturningInsert[Any] | ReturningUpdate[Any]

Row = dict[str, Any]


class _Waiting(NamedTuple):
    make: Callable[[], Write]
    then: Callable[[list[Row]], None] | None


class WriteBatch:
    """The writes of one unit of work that have not been sent yet."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, _Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    def add(self, make: Callable[[], Write], then: Callable[[list[Row]], None] | None, key: Hashable) -> None:
        """Add a write, in place of a waiting one with the same `key`."""
        self._waiting[object() if key is None else key] = _Waiting(make, then)

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def take(self) -> tuple[Select[Any], list[Callable[[list[Row]], None]]]:
        """One statement for all that waits, and who wants each of the columns that it gives."""
        from sqlalchemy import func, literal_column, select
        from sqlalchemy.dialects.postgresql import JSONB

        taken = list(self._waiting.values())
        self._waiting.clear()
        parts = [each.make().cte(f"w{number}") for number, each in enumerate(taken)]
        columns: list[ColumnElement[Any]] = [
            select(func.jsonb_agg(literal_column(part.name), type_=JSONB)).select_from(part).scalar_subquery()
            for part, each in zip(parts, taken, strict=True)
            if each.then is not None
        ]
        statement = select(*(columns or [literal_column("1")])).add_cte(*parts)
        return statement, [each.then for each in taken if each.then is not None]
