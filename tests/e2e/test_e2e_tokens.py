"""A program that gets itself a key and a token, and what is left of them when the key is revoked."""

import base64
import json
import time

import pytest
import requests

from shared.tokens.signing import SigningKeys

pytestmark = pytest.mark.cloud


def exchange(cloud, key, **order):
    data = {"grant_type": "client_credentials"} | order
    return requests.post(f"{cloud.gateway}/v1/oauth/token", auth=key, data=data, timeout=60)


def test_a_key_becomes_a_token_and_ends_it(cloud):
    order = {"name": "build server", "scopes": ["account:read", "jobs:read"]}
    made = cloud.request("POST", "/v1/keys", json=order).json()
    answer = exchange(cloud, (made["id"], made["secret"]), scope="account:read")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert cloud.request("GET", "/v1/account", key=None, headers=bearer).json()["id"] == cloud.account
    assert cloud.request("GET", "/v1/jobs", key=None, headers=bearer).status_code == 403
    assert cloud.request("DELETE", f"/v1/keys/{made['id']}").status_code == 204
    for headers in (bearer, {"X-Api-Key": made["secret"]}):
        assert cloud.request("GET", "/v1/account", key=None, headers=headers).status_code == 401
    refused = exchange(cloud, (made["id"], made["secret"]))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    told = {"action": "security.sign_in_failed", "target": made["id"]}
    (entry,) = cloud.request("GET", "/v1/account/audit", params=told).json()["entries"]
    assert (entry["facts"], entry["actor"]["kind"]) == ({"reason": "revoked"}, "anonymous")
    assert entry["address"] == "127.0.0.0/24"


def test_the_server_says_where_everything_is(cloud):
    about = requests.get(f"{cloud.gateway}/.well-known/oauth-authorization-server", timeout=60).json()
    assert about["issuer"] == cloud.gateway
    keys = requests.get(about["jwks_uri"], timeout=60)
    assert "max-age" in keys.headers["Cache-Control"]
    assert {key["kty"] for key in keys.json()["keys"]} == {"EC"}
    assert not any("d" in key for key in keys.json()["keys"])


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def forge(cloud):
    """Signs, by the deployment's own key unless told otherwise, what it would not say."""
    ours = SigningKeys(cloud.gateway, [cloud.state.secret("tokens")])
    key = cloud.request("GET", "/v1/keys?active=true").json()["keys"][0]["id"]

    def sign(keys=ours, **changes):
        always = {"sub": key, "client_id": key, "account": cloud.account, "scope": "account:read"}
        return keys.sign(**always | changes)

    return sign


def test_a_token_that_we_would_not_have_made_is_401_and_one_that_we_would_have_is_not(cloud, forge):
    good, now = forge(), int(time.time())
    _, payload, signature = good.split(".")
    nobody = SigningKeys(cloud.gateway, ["n" * 40])
    wrong = {
        "alg none": f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        "another algorithm": f"{part({'alg': 'HS256', 'typ': 'at+jwt'})}.{payload}.{signature}",
        "kid": forge(nobody),
        "aud": forge(aud="https://other.example"),
        "iss": forge(iss="https://other.example"),
        "exp": forge(exp=now - 60),
        "another account's key": forge(account="acc_00000000000000000000000000"),
        "no key": forge(sub="key_00000000000000000000000000"),
        "nobody": forge(sub="usr_00000000000000000000000000"),
        "tampered": f"{part({'alg': 'ES256', 'typ': 'at+jwt'})}.{part({'iss': cloud.gateway})}.{signature}",
    }
    shapes = set()
    for name, token in wrong.items():
        headers = {"Authorization": f"Bearer {token}"}
        answer = cloud.request("GET", "/v1/account", key=None, headers=headers)
        assert answer.status_code == 401, name
        assert answer.json()["type"].endswith("/unauthenticated"), name
        shapes.add((answer.headers["WWW-Authenticate"], frozenset(answer.json())))
    assert len(shapes) == 1
    headers = {"Authorization": f"Bearer {good}"}
    assert cloud.request("GET", "/v1/account", key=None, headers=headers).status_code == 200
