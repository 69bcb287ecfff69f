"""One call of the emulator's API: what it may use, what it brought, and how its fields are read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.auth.accounts import Accounts
from local.auth.database import open_database
from local.auth.errors import AuthRefused
from local.auth.passwords import Passwords
from local.auth.tokens import Tokens

DEFAULTS: dict[str, Any] = {
    "signIn": {"allowDuplicateEmails": False, "email": {"enabled": True, "passwordRequired": True}},
    "emailPrivacyConfig": {"enableImprovedEmailPrivacy": True},
    "client": {"permissions": {"disabledUserSignup": False}},
    "authorizedDomains": ["localhost", "127.0.0.1"],
}


class Service:
    """The emulator of one project, over one state folder."""

    def __init__(self, folder: Path, project: str) -> None:
        self.db: sqlite3.Connection = open_database(folder)
        self.project = project
        self.accounts = Accounts(self.db)
        self.passwords = Passwords(self.db)
        self.tokens = Tokens(self.db, folder, project, self.accounts)

    def config(self) -> dict[str, Any]:
        """The project's configuration."""
        rows = self.db.execute("SELECT name, value FROM config")
        return {**DEFAULTS, **{row["name"]: json.loads(row["value"]) for row in rows}}

    def configure(self, changes: dict[str, Any]) -> None:
        """Change parts of the configuration; what is not named stays."""
        for name, value in changes.items():
            if name not in DEFAULTS:
                raise AuthRefused(f"INVALID_ARGUMENT : Unknown field {name}.", code="INVALID_ARGUMENT")
            kept = self.config()[name]
            merged = {**kept, **value} if isinstance(kept, dict) and isinstance(value, dict) else value
            self.db.execute("INSERT OR REPLACE INTO config VALUES (?, ?)", (name, json.dumps(merged)))

    @property
    def keeps_emails_private(self) -> bool:
        """Whether nobody is told which addresses have accounts."""
        return bool(self.config()["emailPrivacyConfig"].get("enableImprovedEmailPrivacy"))


@dataclass(frozen=True)
class Call:
    """One request. `privileged` is one of the project's own servers; `base` is the emulator's own address."""

    service: Service
    body: dict[str, Any]
    query: dict[str, str]
    privileged: bool
    base: str

    def text(self, name: str) -> str:
        """A field of the body that is text, empty where it is missing."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise AuthRefused(f"INVALID_ARGUMENT : {name} is not text.", code="INVALID_ARGUMENT")
        return value or ""

    def items(self, name: str) -> list[Any]:
        """A field of the body that is a list, or one item of it; empty where it is missing."""
        value = self.body.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def own_or_refuse(self, name: str) -> None:
        """Refuse somebody without privilege who names what only the project's servers may."""
        if name in self.body and not self.privileged:
            raise AuthRefused("INSUFFICIENT_PERMISSION")


Operation = Callable[[Call], Awaitable[dict[str, Any]]]


def whole(value: Any, message: str) -> int:
    """A whole number, as the API has it: as a number or as text."""
    try:
        return int(str(value))
    except ValueError:
        raise AuthRefused(message) from None
