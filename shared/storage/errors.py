"""Errors of the storage room."""

from __future__ import annotations

from shared.core.errors import Conflict, ImangorError, NotFound, TransientError


class ObjectMissing(NotFound):
    """There is no such object, or not that generation of it."""

    slug = "object-missing"


class ObjectChanged(Conflict):
    """The object is not at the generation that was expected."""

    slug = "object-changed"


class StorageRefused(ImangorError):
    """The object storage refuses a request of this service; an operator must act."""

    slug, title = "storage-refused", "Refused by the storage"
    # Most often a role that is missing: the work is good and succeeds once somebody has granted it.
    retry = True


class StorageUnavailable(TransientError):
    """The object storage does not answer now."""

    slug = "storage-unavailable"
