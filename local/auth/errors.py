"""Failures of the Auth emulator in the form that the Identity Toolkit API answers them."""

from __future__ import annotations

from typing import Any


class AuthRefused(Exception):
    """A refused request. `message` is Google's word for it, such as `EMAIL_EXISTS`, maybe with a reason."""

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        """`code` is the canonical status, `INVALID_ARGUMENT` and the like, where Google names one."""
        super().__init__(message)
        self.message, self.status, self.code = message, status, code

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        item = {"message": self.message, "domain": "global", "reason": "invalid"}
        body: dict[str, Any] = {"code": self.status, "message": self.message, "errors": [item]}
        return {"error": {**body, **({"status": self.code} if self.code else {})}}


def need(value: Any, message: str) -> Any:
    """The value; refuses with `message` where it is missing."""
    if not value:
        raise AuthRefused(message)
    return value


def not_implemented(what: str) -> AuthRefused:
    """What the emulator lacks it refuses with its name."""
    return AuthRefused(f"NOT_IMPLEMENTED : the local Auth service has no {what}.", 501, "UNIMPLEMENTED")
