"""A program that gets itself a key and a token, and what is left of them when the key is revoked."""

import pytest
import requests

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


def test_the_server_says_where_everything_is(cloud):
    about = requests.get(f"{cloud.gateway}/.well-known/oauth-authorization-server", timeout=60).json()
    assert about["issuer"] == cloud.gateway
    keys = requests.get(about["jwks_uri"], timeout=60)
    assert "max-age" in keys.headers["Cache-Control"]
    assert {key["kty"] for key in keys.json()["keys"]} == {"EC"}
    assert not any("d" in key for key in keys.json()["keys"])
