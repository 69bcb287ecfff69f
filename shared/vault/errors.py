"""What the vault refuses."""

from shared.core.errors import ImangorError, TransientError


class NotOpened(ImangorError):
    """Something that is encrypted could not be opened: it was changed, or belongs elsewhere."""

    slug, title = "not-opened", "Internal error"


class KeyDestroyed(NotOpened):
    """The key of something that is encrypted was destroyed."""


class KeyServiceUnavailable(TransientError):
    """The key service does not answer."""

    slug = "key-service-unavailable"
