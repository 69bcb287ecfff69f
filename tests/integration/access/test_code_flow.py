"""Letting a client in by a code, and keeping it in by refresh tokens that are good once each."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.auth.errors import AccountNotFound, CredentialEnded
from shared.auth.grants import LiveGrants
from shared.auth.people import People, revoke_tokens
from shared.auth.principal import Principal
from shared.auth.sessions import LiveSessions
from shared.core.errors import Forbidden, RateLimited
from shared.tokens.authorization import Authorization
from shared.tokens.clients import PublicClients
from shared.tokens.errors import InvalidClient, InvalidGrant, InvalidScope, InvalidTokenRequest
from shared.tokens.granted import GrantedTokens
from shared.tokens.grants import CODE_LIFE, FORGET, GRANT_LIFE
from shared.tokens.schemas import AuthorizationRequest, RevocationRequest
from shared.tokens.service import TokenService

from .conftest import GUESSES
from .test_tokens import ISSUER, KEYS, Exchange

HOME = "https://app.example/studio?from=login"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class Vault:
    """There is nothing to seal: nobody here has an address or a name."""

    seal = open = None

    def lookup_hash(self, purpose, value):
        return hashlib.sha256(value.encode()).digest()


@dataclass(frozen=True)
class Signed:
    """A sign-in at the identity service, long ago."""

    uid: str = "uid-1"
    email: None = None
    email_verified: bool = False
    name: None = None
    auth_time: int = 1
    issued_at: int = 1


class Studio(Exchange):
    """A page of the deployment's own, and the person at it."""

    def __init__(self, door, database):
        super().__init__(door)
        self.database, self.reused = database, []
        clients = PublicClients({"studio": [HOME], "other": [HOME]})
        self.people = People(lambda uid: door.uow(None, identity=uid), door.cache, Vault(), door.failed)
        self.sessions = LiveSessions(lambda digest, user: door.uow(key_hash=digest, user=user), door.cache)
        granted = GrantedTokens(
            lambda: KEYS,
            lambda presented: door.uow(None, key_hash=presented.hex()),
            lambda: self.people,
            self.sessions.stands,
            self.reused.append,
            door.failed,
        )
        self.granted = granted
        self.service = TokenService(lambda: KEYS, lambda: None, door.attempts, door.uow, clients, granted)
        self.prover._people, self.prover._stands = lambda: self.people, self.sessions.stands
        self.prover._granted = LiveGrants(door.uow, door.cache).stands
        self.user = self.people.find(Signed()).id
        database.run(
            "insert into sessions (id, user_id, digest, device, signed_in_at, expires_at) "
            "values ('ses_1', :u, 'd', 'd', clock_now(), clock_now() + interval '1 day')",
            u=self.user,
        )
        self.person = Principal(self.user, "", frozenset(), kind="user", user=self.user, session="ses_1")
        self.door_ = Authorization(door.uow, lambda: door.uow(None, user=self.user), clients, ISSUER)

    def join(self, account, role="owner"):
        statement = "insert into memberships (account_id, user_id, role) values (:a, :u, :r)"
        self.database.run(statement, a=account, u=self.user, r=role)
        self.forget()

    def sign_out(self):
        self.database.run("update sessions set revoked_at = clock_now()")
        self.forget()

    def forget(self):
        self.door.cache.attempt(lambda redis: redis.flushall())

    def authorize(self, person=None, **order):
        asked = {"client_id": "studio", "redirect_uri": HOME, "response_type": "code", "state": "s&t"}
        asked |= {
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": "jobs:read jobs:write",
        }
        sent = self.door_.authorize(person or self.person, AuthorizationRequest(**asked | order))
        assert sent.startswith(HOME + "&")
        return dict(parse_qsl(urlsplit(sent).query))

    def redeem(self, code, **order):
        asked = {"grant_type": "authorization_code", "redirect_uri": HOME, "code_verifier": VERIFIER}
        return self.ask("studio", code=code, **asked | order)

    def refresh(self, token, **order):
        return self.ask(**{"client": "studio", "grant_type": "refresh_token", "refresh_token": token} | order)


@pytest.fixture
def studio(door, database):
    studio = Studio(door, database)
    studio.join(database.account())
    return studio


def test_a_code_becomes_tokens_of_the_person(studio, database):
    answer = studio.authorize()
    assert (answer["state"], answer["iss"], answer["from"]) == ("s&t", ISSUER, "login")
    token = studio.redeem(answer["code"])
    assert token.scope == "jobs:read jobs:write"
    caller = studio.enter(token)
    account = database.value("select account_id from memberships")
    assert (caller.id, caller.user, caller.account, caller.kind) == (
        studio.user,
        studio.user,
        account,
        "token",
    )
    assert (caller.scopes, caller.key) == ({"jobs:read", "jobs:write"}, None)
    kept = str(database.rows("select * from oauth_grants"))
    assert answer["code"] not in kept
    assert token.refresh_token.partition(".")[0] not in kept


def test_what_a_role_does_not_allow_is_not_in_the_token(studio, database):
    viewer = database.account()
    studio.join(viewer, "viewer")
    token = studio.redeem(studio.authorize(account=viewer)["code"])
    assert token.scope == "jobs:read"
    assert studio.enter(token).scopes == {"jobs:read"}
    with pytest.raises(AccountNotFound):
        studio.authorize(account=database.account())


def test_a_token_may_do_less_as_soon_as_the_person_may(studio, database):
    token = studio.redeem(studio.authorize()["code"])
    database.run("set local session_replication_role = replica; update memberships set role = 'viewer'")
    studio.forget()
    assert studio.enter(token).scopes == {"jobs:read"}
    assert studio.refresh(token.refresh_token).scope == "jobs:read"


def test_a_code_is_good_once_and_the_second_time_ends_what_came_of_it(studio):
    code = studio.authorize()["code"]
    token = studio.redeem(code)
    with pytest.raises(InvalidGrant):
        studio.redeem(code)
    with pytest.raises(InvalidGrant):
        studio.refresh(token.refresh_token)
    with pytest.raises(CredentialEnded):
        studio.enter(token)
    assert [grant.user_id for grant in studio.reused] == [studio.user]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": "w" * 43}, InvalidGrant),
        ({"code_verifier": CHALLENGE}, InvalidGrant),
        ({"code_verifier": "v" * 42}, InvalidTokenRequest),
        ({"code_verifier": None}, InvalidTokenRequest),
        ({"redirect_uri": "https://app.example/studio"}, InvalidGrant),
        ({"redirect_uri": None}, InvalidTokenRequest),
        ({"code": "another"}, InvalidGrant),
        ({"client": "other"}, InvalidGrant),
        ({"client": "stranger"}, InvalidClient),
        ({"client": "studio", "secret": "s"}, InvalidClient),
    ],
)
def test_a_code_is_worth_nothing_without_all_that_it_is_bound_to(studio, wrong, error):
    code = studio.authorize()["code"]
    order = {"client": "studio", "code": code, "grant_type": "authorization_code", "redirect_uri": HOME}
    with pytest.raises(error):
        studio.ask(**order | {"code_verifier": VERIFIER} | wrong)
    assert studio.redeem(code).refresh_token


def test_a_code_is_good_for_a_minute(studio, database):
    code = studio.authorize()["code"]
    database.move_clock(CODE_LIFE + timedelta(seconds=1))
    with pytest.raises(InvalidGrant):
        studio.redeem(code)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": VERIFIER + "="}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_is_answered_at_the_client(studio, wrong, error):
    answer = studio.authorize(**wrong)
    assert (answer["error"], answer["state"]) == (error, "s&t")
    assert "code" not in answer


@pytest.mark.parametrize(
    "where",
    [
        {"redirect_uri": "https://evil.example/studio"},
        {"redirect_uri": HOME + "/more"},
        {"redirect_uri": HOME.upper()},
        {"client_id": "stranger"},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(studio, where):
    with pytest.raises(InvalidTokenRequest):
        studio.authorize(**where)


def test_only_a_session_lets_a_client_in(studio):
    for person in (
        Principal(studio.user, "", frozenset(), kind="user", user=studio.user),
        Principal(studio.user, "", frozenset(), kind="token", user=studio.user),
        Principal("key_1", "acc_1", frozenset()),
    ):
        with pytest.raises(Forbidden):
            studio.authorize(person)


def test_a_refresh_token_is_good_once_and_a_copy_ends_everything(studio):
    first = studio.redeem(studio.authorize()["code"])
    second = studio.refresh(first.refresh_token)
    third = studio.refresh(second.refresh_token, scope="jobs:read")
    assert (third.scope, studio.enter(third).scopes) == ("jobs:read", {"jobs:read"})
    assert studio.refresh(third.refresh_token).scope == "jobs:read jobs:write"
    with pytest.raises(InvalidGrant):
        studio.refresh(first.refresh_token)
    assert len(studio.reused) == 1
    for token in (second, third):
        with pytest.raises(InvalidGrant):
            studio.refresh(token.refresh_token)
    assert len(studio.reused) == 1


def test_refreshing_gives_no_more_and_to_nobody_else(studio):
    token = studio.redeem(studio.authorize(scope="jobs:read")["code"]).refresh_token
    with pytest.raises(InvalidScope):
        studio.refresh(token, scope="jobs:read jobs:write")
    with pytest.raises(InvalidGrant):
        studio.refresh(token, client="other")
    with pytest.raises(InvalidTokenRequest):
        studio.refresh(None)
    for wrong in ("", ".", "a.b", token.partition(".")[2]):
        with pytest.raises((InvalidGrant, InvalidTokenRequest)):
            studio.refresh(wrong)
    assert studio.refresh(token).scope == "jobs:read"


@pytest.mark.parametrize(
    "what", ["disabled", "signed out", "signed out everywhere", "left", "revoked", "expired"]
)
def test_what_was_let_in_goes_out_with_the_person(studio, database, what):
    token = studio.redeem(studio.authorize()["code"])
    assert studio.enter(token).user == studio.user
    if what == "disabled":
        database.run("update users set disabled_at = clock_now()")
        studio.forget()
    elif what == "signed out":
        studio.sign_out()
    elif what == "signed out everywhere":
        with studio.door.uow(None, user=studio.user) as uow:
            revoke_tokens(uow, studio.user)
    elif what == "left":
        database.run("set local session_replication_role = replica; delete from memberships")
        studio.forget()
    elif what == "revoked":
        studio.granted.revoke(RevocationRequest(token=token.refresh_token, client_id="studio"))
    else:
        database.move_clock(GRANT_LIFE + timedelta(seconds=1))
    if what != "expired":
        with pytest.raises(CredentialEnded):
            studio.enter(token)
    with pytest.raises(InvalidGrant):
        studio.refresh(token.refresh_token)


def test_tokens_end_with_their_grant_alone_and_are_looked_up_once(studio, database):
    one, other = (studio.redeem(studio.authorize()["code"]) for _ in range(2))
    studio.enter(one)
    with database.statements() as seen:
        studio.enter(one)
    assert seen == []
    studio.granted.revoke(RevocationRequest(token=one.refresh_token))
    with pytest.raises(CredentialEnded):
        studio.enter(one)
    assert studio.enter(other).user == studio.user


def test_only_whose_it_is_revokes_and_what_is_none_is_no_error(studio):
    token = studio.redeem(studio.authorize()["code"])
    for wrong in ("nothing", "a.b"):
        studio.granted.revoke(RevocationRequest(token=wrong))
    studio.granted.revoke(RevocationRequest(token=token.refresh_token, client_id="other"))
    assert studio.refresh(token.refresh_token)


def test_guessing_codes_is_limited(studio):
    code = studio.authorize()["code"]
    for n in range(GUESSES):
        with pytest.raises(InvalidGrant):
            studio.redeem(f"guess-{n}")
    with pytest.raises(RateLimited):
        studio.redeem(code)
    assert studio.redeem(code, address="203.0.113.9")


def test_what_is_over_is_forgotten(studio, database):
    studio.authorize()
    kept = studio.redeem(studio.authorize()["code"])
    database.move_clock(timedelta(days=2))
    with database.uow(system=True) as uow:
        for statement in FORGET:
            uow.sql(statement)
    assert database.value("select count(*) from oauth_grants") == 1
    assert studio.refresh(kept.refresh_token)
    database.move_clock(GRANT_LIFE + timedelta(days=1))
    with database.uow(system=True) as uow:
        for statement in FORGET:
            uow.sql(statement)
    assert database.value("select count(*) from oauth_grants") == 0
