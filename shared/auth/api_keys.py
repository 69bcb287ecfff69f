"""API keys: `img_live_` or `img_test_`, 30 random base62 characters, 6 of checksum. So are visitors' tokens.

The checksum (CRC-32 in base62, as in GitHub's token format) rejects typing mistakes and scanners' noise
before anything is looked up. What is stored is HMAC-SHA256 under a secret pepper.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Final, Literal

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE: Final = re.compile(r"img_(live|test|trial)_[0-9A-Za-z]{30}[0-9A-Za-z]{6}")
_CHECKSUM_LENGTH: Final = 6


def new_key(kind: Literal["live", "test", "trial"]) -> str:
    """Make a key. It is shown once and never stored."""
    body = f"img_{kind}_" + "".join(secrets.choice(ALPHABET) for _ in range(30))
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Tell whether shape and checksum are right; says nothing about whether the key exists."""
    if not _SHAPE.fullmatch(key):
        return False
    return hmac.compare_digest(_checksum(key[:-_CHECKSUM_LENGTH]), key[-_CHECKSUM_LENGTH:])


def key_hash(key: str, pepper: str) -> bytes:
    """The 32 bytes that stand in the database for this key."""
    return hmac.digest(pepper.encode(), key.encode(), hashlib.sha256)


def pepper_mark(pepper: str) -> bytes:
    """Tells under which pepper a hash was made, and nothing else of it."""
    return hmac.digest(pepper.encode(), b"which pepper", hashlib.sha256)[:8]


def hint(key: str) -> str:
    """What an owner may see again of a key: enough to tell it from others."""
    return f"{key[:9]}…{key[-4:]}"


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
