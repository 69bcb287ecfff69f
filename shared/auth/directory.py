"""The identity service's own list of people, through firebase-admin: the only file that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from shared.core.errors import TransientError, Unauthenticated
from shared.core.tracing import Kind, span

_TIMEOUT: Final = 15


class DirectoryUnavailable(TransientError):
    """The identity service does not take this now."""


class _Service:
    """A project's identity service. Somebody whom it does not know any more is left alone."""

    def __init__(self, project: str):
        self._project = project

    def revoke(self, uid: str) -> None:
        """End all of somebody's sign-ins; raises `DirectoryUnavailable`."""
        with _known("revoke"):
            self._sdk.revoke_refresh_tokens(uid, app=self._app)

    @property
    def _sdk(self) -> Any:
        from firebase_admin import auth

        return auth

    @cached_property
    def _app(self) -> Any:
        import firebase_admin

        sdk: Any = firebase_admin
        options = {"projectId": self._project, "httpTimeout": _TIMEOUT}
        return sdk.initialize_app(options=options, name=type(self).__name__)


class IdentityDirectory(_Service):
    """Changes people."""

    def set_claims(self, uid: str, claims: dict[str, Any]) -> None:
        """Replace somebody's custom claims; raises `DirectoryUnavailable`."""
        with _known("set claims"):
            self._sdk.set_custom_user_claims(uid, claims, app=self._app)

    def set_disabled(self, uid: str, disabled: bool) -> None:
        """Say whether somebody may sign in; raises `DirectoryUnavailable`."""
        with _known("set disabled"):
            self._sdk.update_user(uid, disabled=disabled, app=self._app)


class PeopleEraser(_Service):
    """Forgets people."""

    def delete(self, uid: str) -> None:
        """Forget somebody; raises `DirectoryUnavailable`."""
        with _known("delete"):
            self._sdk.delete_user(uid, app=self._app)


class SignIns(_Service):
    """Makes cookies of ID tokens."""

    def session_cookie(self, id_token: str, seconds: int) -> str:
        """A session cookie for somebody's ID token, good for so long.

        Raises `Unauthenticated` where the service does not take the token, `DirectoryUnavailable`.
        """
        from firebase_admin.exceptions import FirebaseError, InvalidArgumentError, NotFoundError

        try:
            with span("identity session cookie", Kind.CLIENT):
                return str(self._sdk.create_session_cookie(id_token, seconds, app=self._app))
        except (InvalidArgumentError, NotFoundError) as error:
            raise Unauthenticated("The ID token is not valid.") from error
        except FirebaseError as error:
            raise DirectoryUnavailable() from error


@contextmanager
def _known(what: str) -> Iterator[None]:
    from firebase_admin.auth import UserNotFoundError
    from firebase_admin.exceptions import FirebaseError

    try:
        with span(f"identity {what}", Kind.CLIENT):
            yield
    except UserNotFoundError:
        return
    except FirebaseError as error:
        raise DirectoryUnavailable() from error
