"""V4 signed URLs (GOOG4-RSA-SHA256): verification against one service account's public key.

Source: https://cloud.google.com/storage/docs/authentication/canonical-requests and .../signatures
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.storage.errors import StorageError, invalid, not_implemented

ALGORITHM = "GOOG4-RSA-SHA256"
LONGEST_SECONDS = 7 * 24 * 3600
SKEW_SECONDS = 15 * 60
_PARAMETERS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
_WHITESPACE = re.compile(r"[ \t\r\n]+")


def query_pairs(raw_query: str) -> list[tuple[str, str]]:
    """Decoded parameters in the order sent; a plus sign is a plus sign, as in the canonical form."""
    parts = (part.partition("=") for part in raw_query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def canonical_query(pairs: list[tuple[str, str]]) -> str:
    """All parameters but the signature, percent-encoded and in order."""
    encoded = [
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in pairs
        if name.lower() != "x-goog-signature"
    ]
    return "&".join(sorted(encoded))


def access_denied(details: str) -> StorageError:
    """The caller is nobody who may do this (403)."""
    return StorageError(403, "forbidden", "AccessDenied", "Access denied.", {"Details": details})


def malformed_header(name: str, details: str) -> StorageError:
    """A header is signed but absent, or must be signed and is not (400)."""
    message = "Your request has a malformed header."
    elements = {"ParameterName": name, "Details": details}
    return StorageError(400, "invalid", "MalformedSecurityHeader", message, elements)


class SignatureVerifier:
    """Checks signed requests; `clock` gives the time (epoch seconds) that expiry is held against.

    Raises ValueError at construction when the file is not a service account's RSA key.
    """

    def __init__(self, keyfile: Path, clock: Callable[[], float] = time.time) -> None:
        account = json.loads(keyfile.read_text())
        key = load_pem_private_key(account["private_key"].encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{keyfile} does not hold an RSA key")
        self.key = key.public_key()
        self.email = account["client_email"]
        self.clock = clock

    def verify(self, method: str, path: str, raw_query: str, headers: Mapping[str, str]) -> None:
        """Accept the request or raise StorageError with Google's code.

        `path` is the resource as sent (percent-encoded), `headers` have lower-case names.
        """
        pairs = query_pairs(raw_query)
        given = {name.lower(): value for name, value in pairs}
        if "googleaccessid" in given:
            raise not_implemented("V2 signed URLs")
        if not any(f"x-goog-{name.lower()}" in given for name in _PARAMETERS):
            raise access_denied("Anonymous caller does not have access to the Google Cloud Storage object.")
        algorithm, credential, date, expires, signed, signature = self._parameters(given)
        if algorithm != ALGORITHM:
            raise invalid(f"Unsupported X-Goog-Algorithm: {algorithm!r}")
        scope = self._scope(credential, date)
        canonical = self._canonical(method, path, pairs, signed.split(";"), headers)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join((ALGORITHM, date, scope, digest))
        # Time is judged after the signature: an expired URL that was tampered with is a wrong one.
        self._check_signature(signature, to_sign, canonical)
        self._check_time(date, expires)

    def _parameters(self, given: Mapping[str, str]) -> list[str]:
        for name in _PARAMETERS:
            if f"x-goog-{name.lower()}" not in given:
                raise invalid(f"Query parameter X-Goog-{name} is missing.")
        return [given[f"x-goog-{name.lower()}"] for name in _PARAMETERS]

    def _scope(self, credential: str, date: str) -> str:
        email, _, scope = credential.partition("/")
        if not re.fullmatch(r"\d{8}/[a-z0-9-]+/storage/goog4_request", scope) or scope[:8] != date[:8]:
            raise invalid("The credential scope of X-Goog-Credential is malformed or of another day.")
        if email != self.email:
            raise StorageError(
                403,
                "forbidden",
                "InvalidSecurity",
                "The provided security credentials are not valid.",
                {"Details": f"Unknown service account: {email}"},
            )
        return scope

    def _canonical(
        self,
        method: str,
        path: str,
        pairs: list[tuple[str, str]],
        signed: list[str],
        headers: Mapping[str, str],
    ) -> str:
        if "host" not in signed:
            raise malformed_header("host", "The host header must be included in signedheaders.")
        for name in headers:
            if name.startswith("x-goog-") and name not in signed:
                raise malformed_header(name, "Header was in the request, but not included in signedheaders.")
        lines = []
        for name in signed:
            if name not in headers:
                raise malformed_header(name, "Header was included in signedheaders, but not in the request.")
            lines.append(f"{name}:{_WHITESPACE.sub(' ', headers[name]).strip()}")
        resource = quote(unquote(path), safe="/~")
        payload = headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
        query = canonical_query(pairs)
        return "\n".join((method, resource, query, *lines, "", ";".join(signed), payload))

    def _check_signature(self, signature: str, to_sign: str, canonical: str) -> None:
        try:
            self.key.verify(bytes.fromhex(signature), to_sign.encode(), PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            elements = {
                "Details": "The request signature we calculated does not match the signature you provided."
                " Check your Google secret key and signing method.",
                "StringToSign": to_sign,
                "CanonicalRequest": canonical,
            }
            raise StorageError(
                403, "forbidden", "SignatureDoesNotMatch", "Access denied.", elements
            ) from None

    def _check_time(self, date: str, expires: str) -> None:
        try:
            start = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise invalid(f"Malformed X-Goog-Date: {date!r}") from None
        if not expires.isascii() or not expires.isdigit() or not 1 <= int(expires) <= LONGEST_SECONDS:
            raise invalid(f"X-Goog-Expires must be between 1 and {LONGEST_SECONDS} seconds.")
        now = self.clock()
        if start > now + SKEW_SECONDS:
            message = "The difference between the request time and the server's time is too large."
            raise StorageError(403, "forbidden", "RequestTimeTooSkewed", message)
        if now >= start + int(expires):
            moment = datetime.fromtimestamp(start + int(expires), UTC).isoformat(timespec="seconds")
            details = f"The provided token has expired. Request signature expired at: {moment}"
            raise StorageError(400, "invalid", "ExpiredToken", "Invalid argument.", {"Details": details})
