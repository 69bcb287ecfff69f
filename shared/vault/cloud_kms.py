"""A key-encryption key in Cloud KMS: `gcp-kms://projects/…/locations/…/keyRings/…/cryptoKeys/…`.

By REST, because the vendor's client costs half a second of a cold start for two calls. The primary version
encrypts, and what was encrypted names its version itself, so that rotation needs nothing of us.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from shared.core.tracing import Kind, span
from shared.vault.errors import KeyServiceUnavailable, NotOpened

SCHEME: Final = "gcp-kms://"
SERVICE: Final = "https://cloudkms.googleapis.com/v1/"
_SCOPE: Final = "https://www.googleapis.com/auth/cloudkms"
_TIMEOUT: Final = (3.0, 10.0)
_TRIES: Final = 3
Session = Callable[[], Any]


def authorized() -> Any:
    """A session with the function's own credentials."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    build: Any = AuthorizedSession
    return build(credentials)


class CloudKmsKey:
    """Wraps data keys by asking the service; what is sent and what comes is checked by CRC32C."""

    def __init__(self, uri: str, session: Session = authorized, service: str = SERVICE):
        """`session` is made at the first use; threads may share the key."""
        self.uri = uri
        self._url = service + uri.removeprefix(SCHEME)
        self._make = session
        self._session: Any = None

    def wrap(self, key: bytes, bound: bytes) -> bytes:
        """Encrypt a data key; raises `KeyServiceUnavailable`."""
        return self._ask("encrypt", "plaintext", key, "ciphertext", bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Decrypt a data key; raises `NotOpened` for what is not by this key, `KeyServiceUnavailable`."""
        return self._ask("decrypt", "ciphertext", wrapped, "plaintext", bound)

    def _ask(self, method: str, given: str, data: bytes, wanted: str, bound: bytes) -> bytes:
        body = {
            given: _text(data),
            f"{given}Crc32c": str(_checksum(data)),
            "additionalAuthenticatedData": _text(bound),
            "additionalAuthenticatedDataCrc32c": str(_checksum(bound)),
        }
        for _ in range(_TRIES):
            with span(f"kms {method}", Kind.CLIENT):
                answer = self._post(f"{self._url}:{method}", body)
            found = base64.b64decode(answer.get(wanted, ""))
            if answer.get(f"{wanted}Crc32c") == str(_checksum(found)):
                return found
        raise KeyServiceUnavailable()

    def _post(self, url: str, body: dict[str, str]) -> dict[str, Any]:
        from google.auth.exceptions import GoogleAuthError

        try:
            if self._session is None:
                self._session = self._make()
            answer = self._session.post(url, json=body, timeout=_TIMEOUT)
            found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        except (OSError, ValueError, GoogleAuthError) as error:
            # What `requests` raises is an OSError.
            raise KeyServiceUnavailable() from error
        if answer.status_code == 400:
            raise NotOpened()
        if answer.status_code != 200:
            raise KeyServiceUnavailable(f"The key service answers {answer.status_code}.")
        return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _checksum(data: bytes) -> int:
    import google_crc32c

    build: Any = google_crc32c
    return int(build.value(data))
