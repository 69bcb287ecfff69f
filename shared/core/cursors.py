"""Cursors of lists that go from the newest backwards: opaque to callers, stable while rows are added."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from shared.core.errors import InvalidInput
from shared.core.ids import is_id

Place = tuple[datetime, str]
"""Creation time and id of the last row of a page."""


def write_cursor(place: Place) -> str:
    """The cursor of the page that comes after this place."""
    moment, ident = place
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {ident}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, prefix: str) -> Place:
    """The place that a cursor stands for, in a list of ids with `prefix`; raises `InvalidInput`."""
    try:
        moment, _, ident = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None or not is_id(prefix, ident):
            raise ValueError
        return created_at.astimezone(UTC), ident
    except (binascii.Error, ValueError, OverflowError):
        raise InvalidInput("The cursor is not one that a page gave.") from None
