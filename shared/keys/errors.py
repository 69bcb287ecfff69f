"""The keys feature's refusals."""

from __future__ import annotations

from shared.core.errors import Conflict, Forbidden, ImangorError


class ScopesExceeded(Forbidden):
    """Nobody hands out a scope that they do not have."""

    slug = "scopes-exceeded"


class MakerLimited(Forbidden):
    """A key that is itself limited in what it spends, in its rate or in time cannot hand out more."""

    slug = "maker-limited"


class TooManyKeys(Conflict):
    """The account has as many live keys as it may have; revoke one."""

    slug = "too-many-keys"


class KeyEnded(Conflict):
    """The key has expired or was revoked."""

    slug = "key-ended"


class KeyChanged(ImangorError):
    """The key was changed since it was read; read it again."""

    slug, status, title = "key-changed", 412, "Precondition failed"
