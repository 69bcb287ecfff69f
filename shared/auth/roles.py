"""What each role of an account may do: the one table. The database's check has the same names."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.core.scopes import SCOPES


class Role(StrEnum):
    """What somebody is in an account; each may do all that the one before may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


_VIEWER: Final = frozenset({"jobs:read", "credits:read", "webhooks:read", "account:read", "members:read"})
_EDITOR: Final = _VIEWER | {"jobs:write"}

SCOPES_OF: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.OWNER: frozenset(SCOPES),
}
"""The scopes of a person by role: an owner has all that a key may have."""
