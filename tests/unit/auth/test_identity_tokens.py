"""Whom ID tokens and session cookies prove, and how long an issuer's certificates are believed."""

import base64
import datetime
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from shared.auth.certificates import Answer, Certificates
from shared.auth.identity_tokens import LARGEST_TOKEN, LEEWAY_SECONDS, Identity, IdentityTokens
from shared.core.errors import DependencyDown, Unauthenticated

PROJECT = "imangor-test"
TOKEN_ISSUER = f"https://securetoken.google.com/{PROJECT}"
COOKIE_ISSUER = f"https://session.firebase.google.com/{PROJECT}"
TOKENS, COOKIES, STRANGER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


PUBLISHED = {"securetoken": {"t1": certificate(TOKENS)}, "publicKeys": {"c1": certificate(COOKIES)}}


def served(url):
    keys = next(keys for part, keys in PUBLISHED.items() if part in url)
    return Answer(json.dumps(keys).encode(), "public, max-age=3600")


@pytest.fixture(scope="module")
def tokens():
    return IdentityTokens(PROJECT, "http://x", lambda url: Certificates(url, served))


def claims(**changes):
    now = int(time.time())
    said = {
        "iss": TOKEN_ISSUER,
        "aud": PROJECT,
        "sub": "u1",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "email": "a@example.com",
        "email_verified": True,
        "name": "Ada",
        "firebase": {"sign_in_provider": "password", "identities": {}},
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(key=TOKENS, kid="t1", algorithm="RS256", headers=None, **changes):
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid, **(headers or {})})


def segment(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def by_hand(header, body, sign=lambda text: b""):
    text = f"{segment(json.dumps(header).encode())}.{segment(json.dumps(body).encode())}"
    return f"{text}.{segment(sign(text.encode()))}"


def with_the_public_key_as_a_secret(text):
    """The confusion of algorithms: a verifier that lets the token choose takes a public key for a secret."""
    return hmac.digest(PUBLISHED["securetoken"]["t1"].encode(), text, hashlib.sha256)


def test_a_good_token_says_who_signed_in(tokens):
    at = int(time.time())
    identity = tokens.verify_id_token(signed(auth_time=at - 60, iat=at))
    assert identity == Identity("u1", "a@example.com", True, "Ada", "password", at - 60, at)
    bare = tokens.verify_id_token(signed(email=None, email_verified="true", name=7, firebase=None))
    assert (bare.email, bare.email_verified, bare.name, bare.provider) == (None, False, None, "")


def test_a_good_cookie_says_it_too(tokens):
    cookie = signed(COOKIES, "c1", iss=COOKIE_ISSUER)
    assert tokens.verify_session_cookie(cookie).uid == "u1"


NOW = time.time()
WRONG = {
    "unsigned": by_hand({"alg": "none", "kid": "t1"}, claims()),
    "unsigned, spelled otherwise": by_hand({"alg": "None", "kid": "t1"}, claims()),
    "signed with the public key as a secret": by_hand(
        {"alg": "HS256", "kid": "t1"}, claims(), with_the_public_key_as_a_secret
    ),
    "another hash": signed(algorithm="RS512"),
    "another padding": signed(algorithm="PS256"),
    "another kind of key": signed(ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "another's key": signed(STRANGER),
    "the cookies' key": signed(COOKIES),
    "an unknown key id": signed(kid="t2"),
    "no key id": jwt.encode(claims(), TOKENS, "RS256"),
    "a key of its own": signed(STRANGER, headers={"jwk": {"kty": "RSA"}, "jku": "http://evil.example"}),
    "a critical extension": signed(headers={"crit": ["b64"], "b64": True}),
    "another project's audience": signed(aud="other"),
    "several audiences": signed(aud=[PROJECT, "other"]),
    "no audience": signed(aud=None),
    "another project's issuer": signed(iss="https://securetoken.google.com/other"),
    "a cookie's issuer": signed(iss=COOKIE_ISSUER),
    "no issuer": signed(iss=None),
    "expired": signed(exp=int(NOW) - LEEWAY_SECONDS - 5),
    "no expiry": signed(exp=None),
    "issued in the future": signed(iat=int(NOW) + 3600),
    "signed in in the future": signed(auth_time=int(NOW) + 3600),
    "no time of sign-in": signed(auth_time=None),
    "a time that is none": signed(auth_time="x"),
    "a time that is true": signed(auth_time=True),
    "not valid yet": signed(nbf=int(NOW) + 3600),
    "nobody": signed(sub=""),
    "no subject": signed(sub=None),
    "a long subject": signed(sub="x" * 129),
    "a tenant's": signed(firebase={"tenant": "t", "sign_in_provider": "password"}),
    "too long": signed(filler="x" * LARGEST_TOKEN),
    "cut": signed()[:-3],
    "not a token": "a.b.c",
    "empty": "",
    "deep": by_hand({"alg": "RS256", "kid": "t1"}, {})[:-3] + "[" * 4000,
    "claims that are no object": by_hand({"alg": "RS256", "kid": "t1"}, []),
}


@pytest.mark.parametrize("token", WRONG.values(), ids=WRONG)
def test_a_wrong_token_is_nobodys(tokens, token):
    with pytest.raises(Unauthenticated):
        tokens.verify_id_token(token)


def test_a_changed_claim_is_noticed(tokens):
    head, _, signature = signed().split(".")
    body = by_hand({}, claims(sub="somebody else")).split(".")[1]
    with pytest.raises(Unauthenticated):
        tokens.verify_id_token(f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    "cookie",
    [signed(), signed(COOKIES, "c1"), signed(iss=COOKIE_ISSUER), signed(TOKENS, "c1", iss=COOKIE_ISSUER)],
)
def test_a_token_is_not_a_cookie(tokens, cookie):
    with pytest.raises(Unauthenticated):
        tokens.verify_session_cookie(cookie)


def test_clocks_may_differ_a_little(tokens):
    soon = int(time.time()) + LEEWAY_SECONDS - 5
    assert tokens.verify_id_token(signed(iat=soon, auth_time=soon, exp=int(time.time()) - 5)).uid == "u1"


class Issuer:
    """Serves certificates, counts how often, and can be away; time passes when told."""

    def __init__(self, cache_control="max-age=600", age=""):
        self.keys, self.asked, self.now = {"t1": certificate(TOKENS)}, 0, 1000.0
        self.headers, self.failure = (cache_control, age), None
        self.certificates = Certificates("http://x", self.answer, lambda: self.now)

    def answer(self, _):
        self.asked += 1
        if self.failure:
            raise self.failure
        return Answer(json.dumps(self.keys).encode(), *self.headers)


@pytest.mark.parametrize(
    ("headers", "life"),
    [
        (("public, max-age=600, must-revalidate", ""), 600),
        (("max-age=600", "100"), 500),
        (("max-age=600", "100x"), 600),
        (("no-cache, max-age=600", ""), 1),
        (("", ""), 1),
        (("max-age=999999999", ""), 24 * 3600),
        (("s-maxage=5, max-age=600", ""), 600),
    ],
)
def test_certificates_live_as_long_as_the_answer_says(headers, life):
    issuer = Issuer(*headers)
    assert issuer.certificates.key("t1")
    issuer.now += life - 0.5
    assert issuer.certificates.key("t1")
    assert issuer.asked == 1
    issuer.now += 1
    assert issuer.certificates.key("t1")
    assert issuer.asked == 2


def test_invented_key_ids_do_not_ask_the_issuer_again_and_again():
    issuer = Issuer()
    assert all(issuer.certificates.key(f"k{n}") is None for n in range(100))
    assert issuer.asked == 1
    issuer.keys["t2"] = certificate(STRANGER)
    issuer.now += 60
    assert issuer.certificates.key("t2")
    assert issuer.asked == 2


def test_a_key_that_was_withdrawn_proves_nothing_any_more():
    issuer = Issuer()
    assert issuer.certificates.key("t1")
    issuer.keys = {"t2": certificate(STRANGER)}
    issuer.now += 601
    assert issuer.certificates.key("t1") is None


def test_an_issuer_that_is_away_is_asked_with_pauses_and_its_keys_serve_an_hour_longer():
    issuer = Issuer()
    assert issuer.certificates.key("t1")
    issuer.failure = OSError("away")
    issuer.now += 601
    assert [bool(issuer.certificates.key("t1")) for _ in range(10)] == [True] * 10
    assert issuer.asked == 2
    issuer.now += 3600
    with pytest.raises(DependencyDown):
        issuer.certificates.key("t1")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"t1": "x"}', '{"t1": 7}', "[" * 5])
def test_what_are_not_certificates_is_not_believed(body):
    certificates = Certificates("http://x", lambda _: Answer(body.encode(), "max-age=600"))
    with pytest.raises(DependencyDown):
        certificates.key("t1")
