"""The accounts feature's refusals."""

from shared.core.errors import Conflict, ImangorError, NotFound


class SettingsChanged(ImangorError):
    """The settings were changed since they were read; read them again."""

    slug, status, title = "settings-changed", 412, "Precondition failed"


class KeyNotFound(NotFound):
    """There is no such API key in this account."""


class TestKeySpendsNothing(Conflict):
    """A test key spends nothing; it has no limits to set."""

    slug = "test-key"
