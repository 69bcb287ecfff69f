"""The cookie of a session, as a browser is given it."""

from __future__ import annotations

from shared.core.credentials import SESSION_COOKIE, Credentials


def set_cookie(value: str, seconds: int, credentials: Credentials) -> dict[str, str]:
    """The header: for this service alone, out of scripts' reach, and only over TLS.

    A browser takes no secure cookie from this machine's own address, which has no TLS.
    """
    secure = "" if credentials.on_loopback else " Secure;"
    cookie = f"{SESSION_COOKIE}={value}; Path=/v1; Max-Age={seconds}; HttpOnly;{secure} SameSite=Strict"
    return {"Set-Cookie": cookie}


def clear_cookie(credentials: Credentials) -> dict[str, str]:
    """The header that takes the cookie away."""
    return set_cookie("", 0, credentials)
