"""The public keys of a token issuer, by the ids in its tokens, from one configured address.

They are kept as long as the answer's `Cache-Control` allows. An id that is not among them has them fetched
again, but not more often than once in a minute, so that invented ids cost the issuer nothing.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.core.errors import DependencyDown
from shared.core.tracing import Kind, span

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = RSAPublicKey | EllipticCurvePublicKey

_log = logging.getLogger(__name__)
_FETCH_SECONDS: Final = 3.0
_LARGEST: Final = 256 * 1024
_LONGEST_LIFE: Final = 24 * 3600.0
_UNKNOWN_PAUSE: Final = 60.0
_FAILURE_PAUSE: Final = 5.0
_STALE_SECONDS: Final = 3600.0
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})")


@dataclass(frozen=True)
class Answer:
    """What the address answered; headers as they came, empty where there was none."""

    body: bytes
    cache_control: str = ""
    age: str = ""


class Certificates:
    """An issuer's keys, by default as Google serves them: a JSON object from key id to an X.509 certificate
    in PEM. Safe between threads.
    """

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], Answer] | None = None,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[bytes], Mapping[str, PublicKey]] | None = None,
    ) -> None:
        """`fetch` gets the answer of an address or raises OSError; `clock` counts seconds; `read` finds the
        keys in an answer's body, or raises ValueError.
        """
        self._read = read or _read
        self._url = url
        self._fetch = fetch or _get
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, PublicKey] = {}
        self._fresh_until = float("-inf")
        self._next_try = float("-inf")

    def key(self, key_id: str) -> PublicKey | None:
        """The key with this id; None where the issuer has none.

        Raises `DependencyDown` where the issuer's keys cannot be had. Those that were had are used for an
        hour beyond their time when newer ones cannot be.
        """
        found = self._keys.get(key_id)
        if found is not None and self._clock() < self._fresh_until:
            return found
        with self._lock:
            now = self._clock()
            if now >= self._next_try and (now >= self._fresh_until or key_id not in self._keys):
                self._refresh(now)
            if now >= self._fresh_until + _STALE_SECONDS:
                raise DependencyDown("The keys that prove tokens cannot be had.", retry_after=5)
            return self._keys.get(key_id)

    def _refresh(self, now: float) -> None:
        try:
            with span("identity certificates", Kind.CLIENT):
                answer = self._fetch(self._url)
            self._keys = self._read(answer.body)
        except (OSError, ValueError) as error:
            _log.warning(
                "certificates cannot be had",
                extra={"fields": {"url": self._url, "kind": type(error).__name__}},
            )
            self._next_try = now + _FAILURE_PAUSE
            return
        life = _life(answer)
        self._fresh_until = now + life
        self._next_try = now + min(life, _UNKNOWN_PAUSE)


def _get(url: str) -> Answer:
    """Fetch over HTTP; raises OSError (urllib's errors are such)."""
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310 - the address is a setting
            body = answer.read(_LARGEST + 1)
            headers = answer.headers
    except HTTPException as error:
        raise OSError(str(error)) from error
    if len(body) > _LARGEST:
        raise OSError("the answer is too large")
    return Answer(body, headers.get("Cache-Control", ""), headers.get("Age", ""))


def _read(body: bytes) -> dict[str, RSAPublicKey]:
    """The keys; raises ValueError for anything but certificates of RSA keys."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    named = json.loads(body)
    if not isinstance(named, dict) or not named:
        raise ValueError("not an object of certificates")
    keys: dict[str, RSAPublicKey] = {}
    for key_id, pem in named.items():
        key = load_pem_x509_certificate(str(pem).encode()).public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not the certificate of an RSA key")
        keys[key_id] = key
    return keys


def _life(answer: Answer) -> float:
    """Seconds for which the answer may be used (RFC 9111, 4.2); at least one, not to ask all the time."""
    directives = answer.cache_control.lower()
    match = _MAX_AGE.search(directives)
    if match is None or "no-store" in directives or "no-cache" in directives:
        return 1.0
    age = int(answer.age) if answer.age.isdecimal() and len(answer.age) < 10 else 0
    return min(max(float(int(match[1]) - age), 1.0), _LONGEST_LIFE)
