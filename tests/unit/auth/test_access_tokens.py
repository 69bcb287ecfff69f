"""Which access tokens are believed, and what their issuer publishes."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.auth.access_tokens import LARGEST_TOKEN, LEEWAY_SECONDS, AccessTokens, read_key_set
from shared.auth.certificates import Answer, Certificates
from shared.auth.errors import CredentialEnded
from shared.core.errors import DependencyDown, Unauthenticated
from shared.tokens.signing import SigningKeys

ISSUER = "https://imangor.example"
OLD, NEW, STRANGER = ("o" * 40, "n" * 40, "s" * 40)
SAID = {"sub": "key_1", "client_id": "key_1", "account": "acc_1", "scope": "jobs:read jobs:write"}


class Published:
    """An issuer's key set over HTTP, which may change or be away."""

    def __init__(self, *secrets):
        self.publish(*secrets)

    def publish(self, *secrets):
        keys = SigningKeys(ISSUER, list(secrets)).published()
        self.body = json.dumps({"keys": keys}).encode()

    def __call__(self, url):
        if self.body is None:
            raise OSError("away")
        return Answer(self.body, "public, max-age=300")


def verifier(published, clock=time.monotonic):
    keys = Certificates(ISSUER + "/.well-known/jwks.json", published, clock, read_key_set)
    return AccessTokens(ISSUER, keys).verify


def signed(*secrets, **claims):
    return SigningKeys(ISSUER, list(secrets)).sign(**{**SAID, **claims})


def forged(claims=None, headers=None, secret=NEW, **changes):
    """A token signed with a good key, that says what no token of ours says."""
    keys = SigningKeys(ISSUER, [secret])
    now = int(time.time())
    good = {"iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "j", **SAID}
    said = {name: value for name, value in {**good, **changes}.items() if value is not None}
    head = {"typ": "at+jwt", "kid": keys.published()[0]["kid"], **(headers or {})}
    return jwt.encode(claims or said, keys._keys[0].private, algorithm="ES256", headers=head)


def test_a_token_says_whom_it_speaks_for():
    claims = verifier(Published(NEW))(signed(NEW, identity="u", auth_time=12.5))
    assert (claims.subject, claims.account, claims.scopes) == ("key_1", "acc_1", {"jobs:read", "jobs:write"})
    assert (claims.identity, claims.granted_at) == ("u", 12.5)


def test_keys_are_rotated_without_refusing_anybody():
    published = Published(OLD)
    now = [0.0]
    verify = verifier(published, lambda: now[0])
    verify(signed(OLD))
    published.publish(OLD, NEW)
    verify(signed(OLD, NEW))
    now[0] += 61
    verify(signed(NEW, OLD))
    published.publish(NEW)
    now[0] += 301
    verify(signed(NEW))
    with pytest.raises(Unauthenticated):
        verify(signed(OLD))


def test_a_keys_id_is_its_thumbprint_and_nothing_private_is_published():
    (key,) = SigningKeys(ISSUER, [NEW]).published()
    exact = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    digest = hashlib.sha256(exact.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert set(key) == {"crv", "kty", "x", "y", "kid", "alg", "use"}


def test_a_secret_makes_the_same_key_for_ever():
    assert (
        SigningKeys(ISSUER, ["a" * 40]).published()[0]["kid"] == "7fcX_MkT2I5MFlGm6Z2iWLQxPdFUAPBqkNqpj7IpiK0"
    )


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: signed(STRANGER), id="another key"),
        pytest.param(lambda: forged(headers={"typ": "JWT"}), id="another type"),
        pytest.param(lambda: forged(headers={"kid": "unknown"}), id="a key that nobody has"),
        pytest.param(lambda: forged(headers={"crit": ["x"], "x": 1}), id="something critical"),
        pytest.param(lambda: forged(aud="https://other.example"), id="for somebody else"),
        pytest.param(lambda: forged(aud=[ISSUER, "https://other.example"]), id="for somebody else, too"),
        pytest.param(lambda: forged(iss="https://other.example"), id="by somebody else"),
        pytest.param(lambda: forged(nbf=int(time.time()) + 3600), id="not yet"),
        pytest.param(lambda: forged(iat=int(time.time()) + 3600), id="from the future"),
        pytest.param(lambda: forged(exp=None), id="no end"),
        pytest.param(lambda: forged(jti=None), id="no id"),
        pytest.param(lambda: forged(client_id=None), id="no client"),
        pytest.param(lambda: forged(account=None), id="no account"),
        pytest.param(lambda: forged(account=7), id="an account that is none"),
        pytest.param(lambda: forged(scope=["admin"]), id="scopes that are none"),
        pytest.param(lambda: forged(auth_time="x"), id="a time that is none"),
        pytest.param(lambda: forged(scope="x" * LARGEST_TOKEN), id="too long"),
        pytest.param(lambda: "a.b.c", id="no token"),
    ],
)
def test_what_we_would_not_say_is_not_believed(token):
    with pytest.raises(Unauthenticated) as caught:
        verifier(Published(NEW))(token())
    assert not isinstance(caught.value, CredentialEnded)


def test_an_expired_token_was_good_once():
    now = int(time.time())
    late = {"iat": now - 700, "exp": now - LEEWAY_SECONDS - 1}
    with pytest.raises(CredentialEnded):
        verifier(Published(NEW))(forged(**late))
    verifier(Published(NEW))(forged(**late | {"exp": now - LEEWAY_SECONDS + 2}))


def _part(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def test_changing_one_bit_anywhere_breaks_a_token():
    head, payload, signature = signed(NEW).split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    said["scope"] += " admin"
    changed = _part(json.dumps(said).encode())
    flipped = bytearray(base64.urlsafe_b64decode(signature + "=="))
    flipped[0] ^= 1
    for token in (
        f"{head}.{changed}.{signature}",
        f"{head}.{payload}.{_part(bytes(flipped))}",
        f"{head}.{payload}.",
    ):
        with pytest.raises(Unauthenticated):
            verifier(Published(NEW))(token)


def test_the_algorithm_is_ours_to_choose():
    """None at all, and the public key as the secret of a symmetric one."""
    public = SigningKeys(ISSUER, [NEW])._keys[0]
    kid, said = public.public["kid"], signed(NEW).split(".")[1]
    pem = public.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    none = _part(json.dumps({"alg": "none", "typ": "at+jwt", "kid": kid}).encode())
    symmetric = _part(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
    mac = _part(hmac.digest(pem, f"{symmetric}.{said}".encode(), "sha256"))
    claimed = _part(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": kid}).encode())
    for token in (f"{none}.{said}.", f"{symmetric}.{said}.{mac}", f"{claimed}.{said}.{mac}"):
        with pytest.raises(Unauthenticated):
            verifier(Published(NEW))(token)


def test_a_key_that_the_token_brings_along_is_not_used():
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
    kid = SigningKeys(ISSUER, [NEW]).published()[0]["kid"]
    said = json.loads(base64.urlsafe_b64decode(signed(NEW).split(".")[1] + "=="))
    for headers in ({"kid": kid, "jwk": jwk}, {"kid": "mine", "jku": "https://evil.example/keys"}):
        token = jwt.encode(said, own, algorithm="ES256", headers={"typ": "at+jwt", **headers})
        with pytest.raises(Unauthenticated):
            verifier(Published(NEW))(token)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": []}', b'{"keys": [{"kid": "a", "kty": "RSA"}]}'])
def test_without_the_issuers_keys_nobody_is_refused_for_good(body):
    published = Published(NEW)
    published.body = body
    with pytest.raises(DependencyDown):
        verifier(published)(signed(NEW))


def test_a_private_key_among_the_published_is_refused():
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own)), "kid": "a"}
    with pytest.raises(ValueError, match="P-256"):
        read_key_set(json.dumps({"keys": [jwk]}).encode())
