"""The refusals of what waits and what was given up."""

from shared.core.errors import Conflict, NotFound


class LetterNotFound(NotFound):
    """There is no such dead letter."""


class LetterRedriven(Conflict):
    """The dead letter was sent again already, and has not come back."""

    slug = "dead-letter-redriven"


class QueueNotFound(NotFound):
    """There is no such queue."""
