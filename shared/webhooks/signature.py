"""Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks), both ways.

What is signed is `id.timestamp.body` with HMAC-SHA256, over exactly the bytes that are sent. The header holds
one signature for each secret that is valid, separated by spaces, so that a secret can be changed without a
moment in which nothing verifies.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from shared.core.errors import ImangorError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"

PREFIX: Final = "whsec_"
SHORTEST_SECRET: Final = 24
LONGEST_SECRET: Final = 64
TOLERANCE_SECONDS: Final = 300
_VERSION: Final = "v1,"
_MOST_SIGNATURES: Final = 20


class InvalidSecret(ValueError):
    """A secret is `whsec_` and the base64 of 24 to 64 bytes."""


class BadSignature(ImangorError):
    """The message is not signed with a secret that is known here, or not at this time."""

    slug, status, title = "bad-signature", 401, "Bad signature"


def new_secret() -> str:
    """Make a secret of 32 random bytes, in the form that a receiver puts into its settings."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for; its padding may be missing. Raises `InvalidSecret`."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidSecret from None
    if not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        raise InvalidSecret
    return key


def sign(keys: Iterable[bytes], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message: one signature for each key. `timestamp` is in Unix seconds."""
    marks = (_VERSION + base64.b64encode(_mac(key, message, str(timestamp), body)).decode() for key in keys)
    return {ID: message, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(marks)}


def verify(
    keys: Iterable[bytes],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    tolerance: float = TOLERANCE_SECONDS,
) -> str:
    """The id of a message that one of the keys signed within `tolerance` seconds of `now`.

    `headers` have lower-case names or find names of any case. Raises `BadSignature`; how long that takes
    tells nothing about the keys. That the id was seen before is for the caller to find out.
    """
    message, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message or not _is_close(timestamp, now, tolerance):
        raise BadSignature()
    given = [_mark(each) for each in headers.get(SIGNATURE, "").split(" ")[:_MOST_SIGNATURES]]
    expected = [_mac(key, message, timestamp, body) for key in keys]
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if not any(matches):
        raise BadSignature()
    return message


def _mac(key: bytes, message: str, timestamp: str, body: bytes) -> bytes:
    return hmac.digest(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256)


def _mark(text: str) -> bytes:
    """The bytes of one signature; none for another version, such as the asymmetric `v1a`."""
    if not text.startswith(_VERSION):
        return b""
    try:
        return base64.b64decode(text[len(_VERSION) :], validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_close(timestamp: str, now: float, tolerance: float) -> bool:
    whole = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    return whole and abs(now - int(timestamp)) <= tolerance
