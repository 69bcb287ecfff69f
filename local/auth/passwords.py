"""Passwords: hashed with argon2id, and guarded against guessing."""

from __future__ import annotations

import asyncio
import sqlite3
import time

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from local.auth.accounts import Account, milliseconds, seconds
from local.auth.errors import AuthRefused

SHORTEST, LONGEST = 6, 4096
MOST_FAILURES = 5
PAUSE_SECONDS = 60.0
TOO_MANY = (
    "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled due to many failed "
    "login attempts."
)

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Hashes and checks passwords; counts failures in a row for each address, known or not."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._nobody = _HASHER.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """What is kept of a password; refuses one that is too short."""
        if len(password) < SHORTEST:
            raise AuthRefused(f"WEAK_PASSWORD : Password should be at least {SHORTEST} characters")
        if len(password) > LONGEST:
            raise AuthRefused("PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Password is too long")
        return await asyncio.to_thread(_HASHER.hash, password)

    async def fields(self, password: str) -> Account:
        """The fields of an account that a new password changes: who signed in before must do so again."""
        kept = await self.hash(password)
        return {"passwordHash": kept, "passwordUpdatedAt": int(milliseconds()), "validSince": seconds()}

    async def check(self, email: str, password: str, kept: str | None) -> bool:
        """Whether the password is right; refuses without looking after too many failures in a row.

        Without a password to compare with it takes as long to say no. The failure is counted beforehand, so
        that many guesses at the same time are no way around the limit.
        """
        self._admit(email)
        known = await asyncio.to_thread(_matches, kept or self._nobody, password)
        right = known and kept is not None
        if right:
            self._db.execute("DELETE FROM failures WHERE email = ?", (email,))
        return right

    def _admit(self, email: str) -> None:
        now = time.time()
        row = self._db.execute("SELECT count, last FROM failures WHERE email = ?", (email,)).fetchone()
        before = row["count"] if row and now - row["last"] < PAUSE_SECONDS else 0
        if before >= MOST_FAILURES:
            raise AuthRefused(TOO_MANY)
        self._db.execute(
            "INSERT INTO failures VALUES (?, ?, ?) ON CONFLICT (email) DO UPDATE SET count = excluded.count, "
            "last = excluded.last",
            (email, before + 1, now),
        )


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
