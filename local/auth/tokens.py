"""ID tokens, refresh tokens and session cookies of the emulator, signed as Google signs them."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

import jwt

from local.auth.accounts import Account, Accounts, custom_claims
from local.auth.errors import AuthRefused, need
from local.auth.signer import Signer

ID_TOKEN_SECONDS = 3600
SHORTEST_COOKIE, LONGEST_COOKIE = 5 * 60, 14 * 24 * 3600


class Tokens:
    """Makes and reads the tokens of one project."""

    def __init__(self, db: sqlite3.Connection, keys: Path, project: str, accounts: Accounts) -> None:
        self._db, self._project, self._accounts = db, project, accounts
        self.id_tokens = Signer(keys / "securetoken.pem")
        self.cookies = Signer(keys / "session-cookies.pem")

    def issue(self, account: Account, provider: str, claims: dict[str, Any] | None = None) -> dict[str, Any]:
        """Tokens for somebody who has just signed in; `claims` come from a custom token."""
        now, refresh = int(time.time()), secrets.token_urlsafe(48)
        self._db.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)",
            (_digest(refresh), account["localId"], provider, now, json.dumps(claims or {})),
        )
        return {
            "idToken": self._id_token(account, provider, now, claims or {}),
            "refreshToken": refresh,
            "expiresIn": str(ID_TOKEN_SECONDS),
        }

    def refresh(self, refresh: str) -> tuple[Account, str]:
        """The account of a refresh token and a new ID token; refuses one that was revoked."""
        row = self._db.execute(
            "SELECT * FROM refresh_tokens WHERE digest = ?", (_digest(refresh),)
        ).fetchone()
        need(row, "INVALID_REFRESH_TOKEN")
        account = self._usable(row["account"], row["signed_in"])
        claims = json.loads(row["claims"])
        return account, self._id_token(account, row["provider"], row["signed_in"], claims)

    def read(self, token: Any) -> tuple[Account, dict[str, Any]]:
        """Whose ID token this is, and its claims; refuses one that is not good any more."""
        issuer = f"https://securetoken.google.com/{self._project}"
        try:
            claims = self.id_tokens.read(str(token), audience=self._project, issuer=issuer)
        except jwt.ExpiredSignatureError:
            raise AuthRefused("TOKEN_EXPIRED") from None
        except jwt.PyJWTError:
            raise AuthRefused("INVALID_ID_TOKEN") from None
        return self._usable(claims["sub"], claims["auth_time"]), claims

    def cookie(self, token: Any, lifetime: int) -> str:
        """A session cookie in exchange for an ID token; `lifetime` is in seconds."""
        if not SHORTEST_COOKIE <= lifetime <= LONGEST_COOKIE:
            raise AuthRefused("INVALID_DURATION")
        _, claims = self.read(token)
        now = int(time.time())
        issuer = f"https://session.firebase.google.com/{self._project}"
        return self.cookies.sign({**claims, "iss": issuer, "iat": now, "exp": now + lifetime})

    def _usable(self, account_id: str, signed_in: int) -> Account:
        account = need(self._accounts.find(account_id), "USER_NOT_FOUND")
        if account.get("disabled"):
            raise AuthRefused("USER_DISABLED")
        if signed_in < int(account.get("validSince", 0)):
            raise AuthRefused("TOKEN_EXPIRED")
        return account

    def _id_token(self, account: Account, provider: str, signed_in: int, claims: dict[str, Any]) -> str:
        now = int(time.time())
        facts = {
            "name": account.get("displayName"),
            "picture": account.get("photoUrl"),
            "email": account.get("email"),
            "email_verified": account.get("emailVerified", False) if "email" in account else None,
            "phone_number": account.get("phoneNumber"),
        }
        return self.id_tokens.sign(
            {
                **{name: value for name, value in facts.items() if value is not None},
                **custom_claims(account.get("customAttributes", "{}")),
                **claims,
                "iss": f"https://securetoken.google.com/{self._project}",
                "aud": self._project,
                "sub": account["localId"],
                "user_id": account["localId"],
                "auth_time": signed_in,
                "iat": now,
                "exp": now + ID_TOKEN_SECONDS,
                "firebase": {"identities": _identities(account), "sign_in_provider": provider},
            }
        )


def _identities(account: Account) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in account.get("providerUserInfo", []):
        found.setdefault(link["providerId"], []).append(link["rawId"])
    if "phoneNumber" in account:
        found["phone"] = [account["phoneNumber"]]
    if "email" in account:
        found["email"] = [account["email"]]
    return found


def _digest(refresh: str) -> bytes:
    return hashlib.sha256(refresh.encode()).digest()
