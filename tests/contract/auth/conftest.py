"""An Identity Platform emulator to talk to: ours, or the one that `AUTH_EMULATOR` (host:port) names."""

import os
import secrets
from dataclasses import dataclass

import jwt
import pytest
import requests

from local.auth.process import AuthProcess
from local.identity import PROJECT

ELSEWHERE = os.environ.get("AUTH_EMULATOR")


def claims_of(token):
    """What a token says, unproven: not every emulator signs."""
    return jwt.decode(token, options={"verify_signature": False})


@dataclass
class Auth:
    """The emulator's API as browsers and servers call it."""

    address: str
    project: str = PROJECT

    def client(self, operation, *, host="identitytoolkit.googleapis.com", **body):
        """POST as a browser does, with an API key; the answer's status and body."""
        return self._read(
            requests.post(f"http://{self.address}/{host}/v1/{operation}?key=any", json=body, timeout=20)
        )

    def ok(self, operation, **body):
        """As `client`, for what must be answered well."""
        status, answer = self.client(operation, **body)
        assert status == 200, answer
        return answer

    def refused(self, operation, **body):
        """As `client`, for what must be refused; Google's word for it."""
        status, answer = self.client(operation, **body)
        assert status == 400, answer
        assert answer["error"]["code"] == 400
        return answer["error"]["message"].split(" :")[0]

    def refresh(self, token):
        """What the token endpoint says to a refresh token."""
        url = f"http://{self.address}/securetoken.googleapis.com/v1/token?key=any"
        return self._read(
            requests.post(url, data={"grant_type": "refresh_token", "refresh_token": token}, timeout=20)
        )

    def server(self, method, operation, **how):
        """Call as a project's server does."""
        url = f"http://{self.address}/identitytoolkit.googleapis.com/v1/projects/{self.project}{operation}"
        headers = {"Authorization": "Bearer owner"}
        return self._read(requests.request(method, url, headers=headers, timeout=20, **how))

    def helper(self, method, what, **how):
        """Call what only emulators have."""
        url = f"http://{self.address}/emulator/v1/projects/{self.project}/{what}"
        return self._read(requests.request(method, url, timeout=20, **how))[1]

    def codes(self, email):
        """The codes that were sent to an address, the oldest first."""
        return [code for code in self.helper("GET", "oobCodes")["oobCodes"] if code["email"] == email]

    def sign_up(self):
        """Somebody new; their address and the answer."""
        email, password = f"{secrets.token_hex(6)}@example.com", "correct horse"
        return email, self.ok("accounts:signUp", email=email, password=password, returnSecureToken=True)

    @staticmethod
    def _read(answer):
        return answer.status_code, answer.json()


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    """Our emulator in a process of its own."""
    started = AuthProcess(tmp_path_factory.mktemp("auth"))
    yield started
    started.kill()


@pytest.fixture(scope="session")
def auth(request):
    """The emulator under test, which keeps secret which addresses have accounts."""
    found = Auth(ELSEWHERE or request.getfixturevalue("process").address)
    found.helper("PATCH", "config", json={"emailPrivacyConfig": {"enableImprovedEmailPrivacy": True}})
    return found


@pytest.fixture
def admin(auth, monkeypatch):
    """The official SDK, pointed at the emulator."""
    import firebase_admin
    from firebase_admin import auth as sdk

    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", auth.address)
    app = firebase_admin.initialize_app(options={"projectId": auth.project}, name=secrets.token_hex(4))
    yield sdk, app
    firebase_admin.delete_app(app)
