"""Logging in to Redis as the function's own service account, where Redis asks IAM who may come."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, Final

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT: Final = 3.0


class AccessTokenLogin:
    """Credentials as redis-py asks for them with each new connection: an access token that is good now."""

    def __init__(self, credentials: Any = None) -> None:
        """`credentials` are google-auth's; the function's own are found at the first use."""
        self._credentials = credentials
        self._lock = threading.Lock()

    def get_credentials(self) -> tuple[str, str]:
        """User and password; raises ConnectionError where no token can be had."""
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        ask: Any = partial(Request(), timeout=_TIMEOUT)
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _ = google.auth.default(scopes=[_SCOPE])
                if not self._credentials.valid:
                    self._credentials.refresh(ask)
            except GoogleAuthError as error:
                raise ConnectionError("There is no access token for Redis.") from error
            return "default", str(self._credentials.token)
