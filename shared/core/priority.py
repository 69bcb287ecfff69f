"""How soon work is done: each priority has a queue of its own in front of the same function."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """From the most urgent to the least."""

    INTERACTIVE = "interactive"
    STANDARD = "standard"
    BULK = "bulk"
