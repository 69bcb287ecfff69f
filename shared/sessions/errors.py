"""The refusals of sessions."""

from shared.core.errors import Forbidden, NotFound


class SessionNotFound(NotFound):
    """You have no such session."""


class SignInTooOld(Forbidden):
    """A session begins with an ID token of somebody who signed in within the last five minutes."""

    slug = "sign-in-too-old"
