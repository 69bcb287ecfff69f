"""People's accounts in the emulator, as the Identity Toolkit API shows them."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import string
import time
from typing import Any

from local.auth.errors import AuthRefused
from local.storage.database import transaction

Account = dict[str, Any]
"""The API's UserInfo; `passwordHash` is argon2's, `providerUserInfo` holds federated sign-ins only."""

PASSWORD, PHONE, CUSTOM = "password", "phone", "custom"
REDACTED = "UkVEQUNURUQ="
_LETTERS = string.ascii_letters + string.digits
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_CLAIMS_LIMIT = 1000
_RESERVED = frozenset(
    (
        *(
            "acr",
            "amr",
            "at_hash",
            "aud",
            "auth_time",
            "azp",
            "c_hash",
            "cnf",
            "exp",
            "firebase",
            "iat",
            "iss",
        ),
        *("jti", "nbf", "nonce", "sub", "user_id"),
    )
)


class Accounts:
    """Finds and keeps accounts; an address, a phone number and a federated id belong to one account."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, account: str) -> Account | None:
        """By id."""
        return self._one("id = ?", account)

    def by_email(self, email: str) -> Account | None:
        """By address, in whatever case."""
        return self._one("email = ?", email.lower())

    def by_phone(self, phone: str) -> Account | None:
        """By phone number."""
        return self._one("phone = ?", phone)

    def by_link(self, provider: str, raw_id: str) -> Account | None:
        """By the id that a provider knows somebody by."""
        query = "id = (SELECT account FROM links WHERE provider = ? AND raw_id = ?)"
        return self._one(query, provider, raw_id)

    def page(self, after: str, limit: int) -> list[Account]:
        """Up to `limit` accounts in the order of their ids."""
        rows = self._db.execute(
            "SELECT fields FROM accounts WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [json.loads(row["fields"]) for row in rows]

    def linked_to(self, provider: str) -> list[Account]:
        """Accounts that sign in with a provider."""
        query = "SELECT fields FROM accounts WHERE id IN (SELECT account FROM links WHERE provider = ?)"
        return [json.loads(row["fields"]) for row in self._db.execute(query, (provider,))]

    def count(self) -> int:
        """How many accounts there are."""
        return int(self._db.execute("SELECT count(*) FROM accounts").fetchone()[0])

    def create(self, fields: Account, account: str | None = None) -> Account:
        """Add an account; refuses an id, address or number that is taken."""
        made = {"createdAt": milliseconds(), **fields, "localId": account or new_local_id()}
        if self.find(made["localId"]):
            raise AuthRefused("DUPLICATE_LOCAL_ID")
        return self.save(made)

    def save(self, account: Account) -> Account:
        """Keep an account as it is given."""
        kept = {name: value for name, value in account.items() if value is not None}
        self._refuse_taken(kept)
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)",
                (kept["localId"], kept.get("email"), kept.get("phoneNumber"), json.dumps(kept)),
            )
            self._db.execute("DELETE FROM links WHERE account = ?", (kept["localId"],))
            self._db.executemany(
                "INSERT INTO links VALUES (?, ?, ?)",
                [(p["providerId"], p["rawId"], kept["localId"]) for p in kept.get("providerUserInfo", [])],
            )
        return kept

    def delete(self, account: str) -> None:
        """Remove an account and all that is signed in with it."""
        with transaction(self._db):
            self._db.execute("DELETE FROM accounts WHERE id = ?", (account,))
            self._db.execute("DELETE FROM links WHERE account = ?", (account,))
            self._db.execute("DELETE FROM refresh_tokens WHERE account = ?", (account,))

    def clear(self) -> None:
        """Remove everybody."""
        with transaction(self._db):
            for table in ("accounts", "links", "codes", "refresh_tokens", "failures"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours

    def _one(self, condition: str, *values: str) -> Account | None:
        row = self._db.execute(f"SELECT fields FROM accounts WHERE {condition}", values).fetchone()  # noqa: S608
        return json.loads(row["fields"]) if row else None

    def _refuse_taken(self, account: Account) -> None:
        mine = account["localId"]
        others = [
            ("EMAIL_EXISTS", self.by_email(account["email"]) if account.get("email") else None),
            (
                "PHONE_NUMBER_EXISTS",
                self.by_phone(account["phoneNumber"]) if "phoneNumber" in account else None,
            ),
        ]
        others += [
            ("FEDERATED_USER_ID_ALREADY_LINKED", self.by_link(p["providerId"], p["rawId"]))
            for p in account.get("providerUserInfo", [])
        ]
        for message, other in others:
            if other is not None and other["localId"] != mine:
                raise AuthRefused(message)


def shown(account: Account, *, privileged: bool = True) -> Account:
    """What a caller sees: no hash, and every way to sign in among the providers."""
    seen = {name: value for name, value in account.items() if name != "passwordHash"}
    ways = list(seen.pop("providerUserInfo", []))
    names = {name: seen[name] for name in ("displayName", "photoUrl") if name in seen}
    if "passwordHash" in account or account.get("emailLinkSignin"):
        email = seen["email"]
        ways.append({"providerId": PASSWORD, "email": email, "federatedId": email, "rawId": email, **names})
    if "phoneNumber" in seen:
        phone = seen["phoneNumber"]
        ways.append({"providerId": PHONE, "phoneNumber": phone, "rawId": phone})
    if "passwordHash" in account and privileged:
        seen["passwordHash"] = REDACTED
    if ways:
        seen["providerUserInfo"] = ways
    return {"emailVerified": False, **seen}


def normal_email(text: Any) -> str:
    """An address in small letters; refuses what is none."""
    if not isinstance(text, str) or not _EMAIL.fullmatch(text):
        raise AuthRefused("INVALID_EMAIL")
    return text.lower()


def normal_phone(text: Any) -> str:
    """A phone number as E.164 has it; refuses what is none."""
    if not isinstance(text, str) or not _PHONE.fullmatch(text):
        raise AuthRefused("INVALID_PHONE_NUMBER : Invalid format.")
    return text


def custom_claims(text: Any) -> dict[str, Any]:
    """The claims in `customAttributes`; refuses what may not be there."""
    if not isinstance(text, str) or len(text) > _CLAIMS_LIMIT:
        raise AuthRefused("CLAIMS_TOO_LARGE")
    try:
        claims = json.loads(text or "{}")
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise AuthRefused("INVALID_CLAIMS")
    for name in claims:
        if name in _RESERVED:
            raise AuthRefused(f"FORBIDDEN_CLAIM : {name}")
    return claims


def new_local_id() -> str:
    """An id of 28 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(28))


def milliseconds() -> str:
    """Now, as the API writes most of its times."""
    return str(int(time.time() * 1000))


def seconds() -> str:
    """Now, as the API writes `validSince`."""
    return str(int(time.time()))
