"""What callers are told about who they are and whom they act for."""

from __future__ import annotations

from shared.core.errors import Forbidden, ImangorError, TransientError, Unauthenticated


class CredentialEnded(Unauthenticated):
    """The token has expired or was revoked; get another."""


class RefusedAgain(Unauthenticated):
    """These credentials were refused a moment ago."""


class AttemptNotCounted(TransientError):
    """Failed attempts cannot be counted now, so none is answered."""


class AccountNotFound(ImangorError):
    """There is no such account."""

    slug, status, title = "account-not-found", 404, "Account not found"


class ForeignOrigin(Forbidden):
    """With a session, changes are made only from pages of this service or of allowed origins."""

    slug = "foreign-origin"
