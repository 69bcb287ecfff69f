"""Which priority a job gets: by the account's plan and the file's size, and never more than was asked for."""

from __future__ import annotations

from typing import Final

from shared.core.priority import Priority

SMALL_BYTES: Final = 4 * 1024 * 1024
"""Up to this size somebody can be thought to wait for the picture."""

_ORDER: Final = list(Priority)
# The most that a plan gives, for a small file and for a large one; files in an inbox nobody waits for.
_PLANS: Final = {
    "economy": (Priority.STANDARD, Priority.BULK),
    "standard": (Priority.INTERACTIVE, Priority.STANDARD),
    "premium": (Priority.INTERACTIVE, Priority.INTERACTIVE),
}
INBOX: Final = Priority.BULK
"""The priority of every file that was dropped into an inbox."""


def priority(plan: str, size: int | None, asked: Priority | None = None) -> Priority:
    """The priority of a job whose file comes by the API. A `size` (bytes) not known yet counts as small.

    |  plan      |  up to 4 MiB   |  larger       |
    |------------|----------------|---------------|
    |  economy   |  standard      |  bulk         |
    |  standard  |  interactive   |  standard     |
    |  premium   |  interactive   |  interactive  |

    `asked` can only lower it. A plan that is not known here is a standard one.
    """
    small, large = _PLANS.get(plan, _PLANS["standard"])
    given = large if size is not None and size > SMALL_BYTES else small
    return given if asked is None else max(given, asked, key=_ORDER.index)
