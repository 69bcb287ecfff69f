"""Where a request comes from, and what it says of its sender."""

import pytest
from flask import Request

from shared.core import config
from shared.core.credentials import address_prefix
from shared.edge.request_facts import client_address, credentials_of


@pytest.fixture
def trusted(monkeypatch):
    def proxies(number):
        monkeypatch.setenv("TRUSTED_PROXIES", str(number))
        config.forget()

    yield proxies
    config.forget()


def request(**environ):
    return Request({"REQUEST_METHOD": "POST", "REMOTE_ADDR": "10.0.0.1", **environ})


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.1"),
        (1, " , ", "10.0.0.1"),
        (1, None, "10.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(trusted, proxies, forwarded, address):
    trusted(proxies)
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(request(**headers)) == address


def test_everything_of_the_sender_is_read(trusted):
    trusted(0)
    cookie = "a=b; imangor_session=x.y.z"
    found = credentials_of(
        request(HTTP_COOKIE=cookie, HTTP_X_ACCOUNT="acc_1", HTTP_ORIGIN="https://a.example", HTTP_HOST="h")
    )
    assert (found.cookie, found.account, found.origin, found.host) == (
        "x.y.z",
        "acc_1",
        "https://a.example",
        "h",
    )
    assert found.any
    assert not credentials_of(request(HTTP_COOKIE="a=b")).any


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_counts_by_its_prefix(address, prefix):
    assert address_prefix(address) == prefix
