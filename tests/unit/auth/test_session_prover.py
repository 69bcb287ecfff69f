"""What a session's cookie proves, and from whose pages it counts."""

import pytest

from shared.auth.errors import CredentialEnded, ForeignOrigin
from shared.auth.principal import Principal
from shared.auth.session_prover import SessionProver
from shared.auth.sessions import LiveSession
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated

ANN = Principal("usr_ann", "acc_1", frozenset({"jobs:read"}), kind="user", user="usr_ann")


class Everything:
    """Tokens, sessions and people of a world in which every cookie is Ann's."""

    def __init__(self, session):
        self.session = session

    def verify_session_cookie(self, cookie):
        return cookie

    def of_cookie(self, cookie):
        return self.session

    def find(self, identity, account):
        return ANN


def proven(session=LiveSession("ses_1", "usr_ann", 60.0), **credentials):  # noqa: B008 - it is never changed
    world = Everything(session)
    prover = SessionProver(world, world, lambda: world, frozenset({"https://app.example"}))
    return prover.prove("cookie", Credentials(**{"host": "api.example", **credentials}))


def test_a_cookie_proves_the_person_and_names_the_session():
    assert proven() == Principal("usr_ann", "acc_1", ANN.scopes, kind="user", user="usr_ann", session="ses_1")


@pytest.mark.parametrize(
    ("method", "origin", "passes"),
    [
        ("GET", None, True),
        ("GET", "https://evil.example", True),
        ("HEAD", None, True),
        ("POST", "https://api.example", True),
        ("POST", "https://app.example", True),
        ("DELETE", "https://app.example", True),
        ("POST", None, False),
        ("POST", "null", False),
        ("POST", "https://evil.example", False),
        ("POST", "https://api.example.evil.example", False),
        ("PATCH", "http://app.example", False),
        ("DELETE", "https://api.example:444", False),
        ("POST", "http://api.example", False),
        ("POST", "", False),
    ],
)
def test_a_change_comes_from_a_page_of_ours(method, origin, passes):
    if passes:
        assert proven(method=method, origin=origin).session == "ses_1"
    else:
        with pytest.raises(ForeignOrigin):
            proven(method=method, origin=origin)


@pytest.mark.parametrize(
    ("host", "origin", "passes"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("localhost", "http://localhost", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", False),
        ("[", "http://[", False),
        (None, "https://", False),
        (None, "https://None", False),
    ],
)
def test_pages_without_tls_are_ours_only_on_this_machine(host, origin, passes):
    if passes:
        assert proven(method="POST", host=host, origin=origin).session == "ses_1"
    else:
        with pytest.raises(ForeignOrigin):
            proven(method="POST", host=host, origin=origin)


def test_a_session_that_ended_or_is_anothers_proves_nobody():
    with pytest.raises(CredentialEnded):
        proven(session=None)
    with pytest.raises(Unauthenticated, match="not valid"):
        proven(session=LiveSession("ses_1", "usr_bob", 60.0))
