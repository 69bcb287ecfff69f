"""Which prover a credential goes to."""

import base64
import json

import pytest

from shared.auth.attempts import FailedAttempts
from shared.auth.authenticator import Authenticator, Shape
from shared.cache.rate_limit import RateLimiter
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated

ISSUER = "https://imangor.example"


class Names:
    """A prover that answers with what it was asked, not with a principal."""

    def __init__(self, shape):
        self.shape = shape

    def prove(self, secret, credentials):
        return self.shape, secret


def jwt(**claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def asked(shapes=tuple(Shape), **credentials):
    provers = {shape: lambda shape=shape: Names(shape) for shape in shapes}
    attempts = FailedAttempts(
        RateLimiter(RedisCache(RedisSettings())), lambda credentials: None, 30, lambda *_: None
    )
    return Authenticator(provers, attempts, ISSUER).authenticate(Credentials(**credentials))


OURS, THEIRS = jwt(iss=ISSUER), jwt(iss="https://securetoken.google.com/p")


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ({"api_key": "img_live_x"}, (Shape.KEY, "img_live_x")),
        ({"authorization": "Bearer img_test_x"}, (Shape.KEY, "img_test_x")),
        ({"authorization": f"bearer  {OURS} "}, (Shape.ACCESS_TOKEN, OURS)),
        ({"authorization": f"Bearer {THEIRS}"}, (Shape.ID_TOKEN, THEIRS)),
        ({"authorization": f"Bearer {jwt(iss=[])}"}, (Shape.ID_TOKEN, jwt(iss=[]))),
        ({"authorization": "Bearer a.!.c"}, None),
        ({"authorization": "Bearer a.a.c"}, (Shape.ID_TOKEN, "a.a.c")),
        ({"cookie": "a.b.c"}, (Shape.SESSION, "a.b.c")),
        ({"authorization": f"Bearer {OURS}", "cookie": "a.b.c"}, (Shape.ACCESS_TOKEN, OURS)),
        ({"authorization": "Basic x", "cookie": "a.b.c"}, None),
        ({"api_key": "img_live_x", "authorization": f"Bearer {OURS}"}, (Shape.KEY, "img_live_x")),
        ({"authorization": "Bearer something"}, None),
        ({"authorization": "Bearer x y"}, None),
        ({}, None),
    ],
)
def test_a_credential_goes_to_the_prover_of_its_shape(credentials, expected):
    if expected is None:
        with pytest.raises(Unauthenticated):
            asked(**credentials)
    else:
        assert asked(**credentials) == expected


def test_deeply_nested_claims_break_nothing():
    payload = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
    token = f"e30.{payload}.c2ln"
    assert asked(authorization=f"Bearer {token}") == (Shape.ID_TOKEN, token)


def test_a_shape_that_nobody_proves_is_refused():
    with pytest.raises(Unauthenticated, match="session cookie"):
        asked(shapes=(Shape.KEY,), cookie="a.b.c")
