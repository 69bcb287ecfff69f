"""The cookie of a session, as a browser is given it."""

from __future__ import annotations

from typing import Final

from shared.core.credentials import SESSION_COOKIE, Credentials

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def set_cookie(value: str, seconds: int, credentials: Credentials) -> dict[str, str]:
    """The header: for this service alone, out of scripts' reach, and only over TLS.

    A browser takes no secure cookie from this machine's own address, which has no TLS.
    """
    name = (credentials.host or "").rsplit(":", 1)[0]
    secure = "" if name in _LOOPBACK else " Secure;"
    cookie = f"{SESSION_COOKIE}={value}; Path=/v1; Max-Age={seconds}; HttpOnly;{secure} SameSite=Strict"
    return {"Set-Cookie": cookie}


def clear_cookie(credentials: Credentials) -> dict[str, str]:
    """The header that takes the cookie away."""
    return set_cookie("", 0, credentials)
