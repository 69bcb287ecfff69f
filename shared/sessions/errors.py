"""The refusals of sessions."""

from shared.core.errors import Forbidden, NotFound


class SessionNotFound(NotFound):
    """You have no such session."""


class SignInTooOld(Forbidden):
    """This takes somebody who signed in within the last five minutes: with an ID token, sign in again."""

    slug = "sign-in-too-old"
