"""Exchanging API keys for access tokens, and what the tokens prove."""

import base64

import pytest

from shared.auth.access_tokens import AccessTokens, read_key_set
from shared.auth.api_keys import new_key
from shared.auth.certificates import Answer, Certificates
from shared.auth.errors import CredentialEnded
from shared.auth.key_prover import KeyProver
from shared.auth.token_prover import TokenProver
from shared.core.credentials import Credentials
from shared.core.errors import RateLimited
from shared.keys.schemas import ChangeKey, RotateKey
from shared.tokens.errors import (
    ClientRefusedAgain,
    InvalidClient,
    InvalidScope,
    InvalidTokenRequest,
    UnsupportedGrantType,
)
from shared.tokens.schemas import KeySet, TokenRequest
from shared.tokens.service import TokenService
from shared.tokens.signing import LIFE_SECONDS, SigningKeys

from .conftest import GUESSES
from .test_keys_service import Office

ISSUER = "https://imangor.example"
KEYS = SigningKeys(ISSUER, ["t" * 40])


class Exchange:
    """The token endpoint, and an operation that takes its tokens."""

    def __init__(self, door):
        self.door = door
        prover = KeyProver(
            lambda digests: door.uow(None, key_hash=digests), door.cache, door.attempts, door.failed
        )
        self.service = TokenService(lambda: KEYS, lambda: prover, door.attempts, door.uow, (), None)
        published = KeySet(keys=KEYS.published()).model_dump_json().encode()
        keys = Certificates(ISSUER, lambda url: Answer(published, "max-age=300"), read=read_key_set)
        self.prover = TokenProver(AccessTokens(ISSUER, keys), door.uow, door.cache, None, None, None)

    def ask(self, client=None, secret=None, *, basic=None, address="192.0.2.1", **order):
        order = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret} | order
        header = None if basic is None else "Basic " + base64.b64encode(basic.encode()).decode()
        credentials = Credentials(authorization=header, address=address)
        return self.service.issue(credentials, TokenRequest(**order))

    def enter(self, token):
        return self.prover.prove(token.access_token, Credentials())


@pytest.fixture
def exchange(door):
    return Exchange(door)


@pytest.fixture
def office(door, database):
    return Office(door, database.account())


def test_a_key_becomes_a_token_that_may_do_what_was_asked_for(exchange, office):
    key = office.make("jobs:read", "jobs:write", rate_limit=5)
    token = exchange.ask(key.id, key.secret, scope="jobs:read")
    assert (token.token_type, token.expires_in, token.scope) == ("Bearer", LIFE_SECONDS, "jobs:read")
    assert "refresh_token" not in token.model_dump_json()
    caller = exchange.enter(token)
    assert (caller.id, caller.key, caller.account, caller.kind) == (key.id, key.id, office.account, "token")
    assert (caller.scopes, caller.rate, caller.user) == ({"jobs:read"}, 5, None)
    assert exchange.ask(basic=f"{key.id}:{key.secret}").scope == "jobs:read jobs:write"
    issued = "select count(*) from audit_entries where action = 'token.issued' and actor = :k"
    assert office.door.database.value(issued, k=key.id) == 2


def test_a_token_asks_the_database_once_in_a_minute(exchange, office, database):
    key = office.make()
    token = exchange.ask(key.id, key.secret)
    exchange.enter(token)
    with database.statements() as seen:
        exchange.enter(token)
    assert seen == []


def test_a_token_ends_with_its_key_and_outlives_a_rotation(exchange, office):
    key = office.make("jobs:read")
    token = exchange.ask(key.id, key.secret)
    office.do("rotate", office.owner, key.id, RotateKey(overlap_hours=0))
    assert exchange.enter(token).id == key.id
    office.do("change", office.owner, key.id, ChangeKey(rate_limit=3), None)
    assert exchange.enter(token).rate == 3
    office.do("revoke", key.id)
    for _ in range(2):
        with pytest.raises(CredentialEnded):
            exchange.enter(token)


def test_a_key_that_is_asked_for_in_another_account_is_not_remembered_as_gone(exchange, office, database):
    key = office.make()
    token = exchange.ask(key.id, key.secret)
    elsewhere = KEYS.sign(sub=key.id, client_id=key.id, account=database.account(), scope="jobs:read")
    with pytest.raises(CredentialEnded):
        exchange.prover.prove(elsewhere, Credentials())
    assert exchange.enter(token).account == office.account


def test_what_is_no_clients_is_refused(exchange, office):
    key, other = office.make(), office.make()
    with pytest.raises(InvalidClient):
        exchange.ask(other.id, key.secret)
    with pytest.raises(InvalidClient):
        exchange.ask(key.id, "img_live_" + "0" * 36)
    wrong = new_key("live")
    with pytest.raises(InvalidClient):
        exchange.ask(key.id, wrong)
    with pytest.raises(ClientRefusedAgain):
        exchange.ask(key.id, wrong)
    for basic in ("", "no colon", f"{key.id}:"):
        with pytest.raises(InvalidClient):
            exchange.ask(basic=basic)
    with pytest.raises(InvalidClient):
        exchange.ask()
    with pytest.raises(InvalidTokenRequest):
        exchange.ask(secret=key.secret, basic=f"{key.id}:{key.secret}")
    with pytest.raises(InvalidTokenRequest):
        exchange.ask(other.id, basic=f"{key.id}:{key.secret}")


def test_more_than_the_key_may_is_not_given(exchange, office):
    key = office.make("jobs:read")
    for scope in ("jobs:read jobs:write", "admin", "nonsense"):
        with pytest.raises(InvalidScope):
            exchange.ask(key.id, key.secret, scope=scope)
    with pytest.raises(UnsupportedGrantType):
        exchange.ask(key.id, key.secret, grant_type="password")
    for grant_type in ("authorization_code", "refresh_token"):
        with pytest.raises(InvalidClient):
            exchange.ask(key.id, key.secret, grant_type=grant_type)


def test_guessing_a_clients_secret_is_limited_by_place_and_by_name(exchange, office):
    key = office.make()
    outcomes = []
    for n in range(GUESSES + 5):
        with pytest.raises((InvalidClient, RateLimited)) as caught:
            exchange.ask(key.id, new_key("live"), address=f"198.51.100.{n}")
        outcomes.append(caught.type)
    assert outcomes == [InvalidClient] * GUESSES + [RateLimited] * 5
    assert exchange.ask(key.id, key.secret, address="203.0.113.1").scope == "jobs:read"
