"""Keys that sign the emulator's tokens, and their certificates as Google publishes them."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from local.state import write_private

_PEM = serialization.Encoding.PEM
_YEARS = 10


class Signer:
    """One RSA key, made on first use and kept in a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            secret = made.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            write_private(path, secret.decode())
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{path} is not an RSA key")
        self._key = key
        self._certificate = _certificate(key, path.stem)
        self.key_id = hashlib.sha256(self._certificate).hexdigest()[:40]

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT with these claims."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def read(self, token: str, **expected: Any) -> dict[str, Any]:
        """The claims of a token of this key; raises jwt.PyJWTError. `expected` is as for `jwt.decode`."""
        return jwt.decode(token, self._key.public_key(), algorithms=["RS256"], **expected)

    def certificates(self) -> dict[str, str]:
        """Key id to certificate."""
        return {self.key_id: self._certificate.decode()}


def _certificate(key: rsa.RSAPrivateKey, name: str) -> bytes:
    """The same key always gets the same certificate, and so the same id."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.imangor.local")])
    begin = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(begin).not_valid_after(begin.replace(year=begin.year + _YEARS))
    return builder.sign(key, hashes.SHA256()).public_bytes(_PEM)
