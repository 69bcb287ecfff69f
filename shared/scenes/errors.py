"""The scenes feature's refusals."""

from shared.core.errors import NotFound


class SceneNotFound(NotFound):
    """There is no scene of such a job in this account (yet)."""
