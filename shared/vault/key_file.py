"""A key-encryption key in a file, for clouds that are not Google's: `file:///path`.

Each line is a version, `number base64-of-32-bytes`; the highest number encrypts, all decrypt.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.core.config import Misconfigured
from shared.vault.envelope import KEY_BYTES
from shared.vault.errors import NotOpened

_OTHERS: Final = 0o077
_NUMBER: Final = 4
_NONCE: Final = 12


class KeyFile:
    """Wraps data keys: number of the version, nonce, AES-256-GCM."""

    def __init__(self, uri: str):
        """The file is read at each use: they are few, and a new version is seen at once."""
        self.uri = uri
        self._path = Path(unquote(urlsplit(uri).path))

    def wrap(self, key: bytes, bound: bytes) -> bytes:
        """Encrypt a data key; raises `Misconfigured` for a file that is missing, wrong or open to others."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        versions = read_versions(self._path)
        number, nonce = max(versions), secrets.token_bytes(_NONCE)
        return number.to_bytes(_NUMBER) + nonce + AESGCM(versions[number]).encrypt(nonce, key, bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Decrypt a data key; raises `NotOpened`, and `Misconfigured` like `wrap`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        number, nonce = int.from_bytes(wrapped[:_NUMBER]), wrapped[_NUMBER : _NUMBER + _NONCE]
        version = read_versions(self._path).get(number)
        if version is None:
            raise NotOpened()
        try:
            return AESGCM(version).decrypt(nonce, wrapped[_NUMBER + _NONCE :], bound)
        except (InvalidTag, ValueError):
            raise NotOpened() from None


def read_versions(path: Path) -> dict[int, bytes]:
    """The versions in a file, by number; raises `Misconfigured`."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise Misconfigured("The key file may be read by others than its owner.")
        lines = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
        versions = {int(number): base64.b64decode(key, validate=True) for number, key in lines}
    except OSError:
        raise Misconfigured("The key file cannot be read.") from None
    except (ValueError, binascii.Error):
        raise Misconfigured("The key file does not hold lines of a number and a key in base64.") from None
    if not versions or any(len(key) != KEY_BYTES for key in versions.values()):
        raise Misconfigured(f"The key file does not hold keys of {KEY_BYTES} bytes.")
    return versions


def add_version(path: Path) -> int:
    """Add a version that encrypts from then on, to a file that is made if there is none; its number."""
    versions = read_versions(path) if path.exists() else {}
    number = max(versions, default=0) + 1
    versions[number] = secrets.token_bytes(KEY_BYTES)
    text = "".join(f"{n} {base64.b64encode(key).decode()}\n" for n, key in sorted(versions.items()))
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text, "ascii")
    new.replace(path)
    return number
