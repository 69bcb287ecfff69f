"""Where a request comes from, and what it says of its sender."""

import pytest
from flask import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import config
from shared.core.actor import truncated
from shared.core.addresses import address_of
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
        (1, "6.6.6.6, 1.1.1.1:4711", "1.1.1.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "[2001:DB8:0::1]", "2001:db8::1"),
        (1, "::ffff:1.1.1.1", "1.1.1.1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "1.1.1.1, unknown", "10.0.0.1"),
        (1, "1.1.1.1, _hidden", "10.0.0.1"),
        (1, "01.1.1.1", "10.0.0.1"),
        (1, "1.1.1.1:999999", "10.0.0.1"),
        (1, None, "10.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(trusted, proxies, forwarded, address):
    trusted(proxies)
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(request(**headers)) == address


INVENTED = st.lists(
    st.text(st.characters(codec="latin-1", exclude_characters=",\r\n"), max_size=20)
    | st.ip_addresses().map(str)
    | st.just("unknown"),
    max_size=5,
)
WRITTEN = st.ip_addresses()
AS_WRITTEN = {4: ("{}", "{}:80", "::ffff:{}", "[::ffff:{}]:80"), 6: ("{}", "[{}]", "[{}]:80", "{}%eth0")}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(invented=INVENTED, written=st.lists(WRITTEN, min_size=1, max_size=4), how=st.integers(0, 3))
def test_whatever_a_client_invents_its_address_is_what_the_outermost_trusted_proxy_wrote(
    trusted, invented, written, how
):
    trusted(len(written))
    ours = [AS_WRITTEN[address.version][how].format(address) for address in written]
    header = ", ".join([*invented, *ours])
    assert client_address(request(HTTP_X_FORWARDED_FOR=header)) == str(address_of(str(written[0])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(invented=INVENTED, proxies=st.integers(0, 3), connection=WRITTEN.map(str))
def test_an_address_is_never_anything_but_one(trusted, invented, proxies, connection):
    trusted(proxies)
    header = ",".join(invented)
    found = client_address(request(HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR=connection))
    assert address_of(found) is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(invented=INVENTED)
def test_nothing_is_believed_of_a_request_that_came_past_no_proxy(trusted, invented):
    trusted(0)
    assert client_address(request(HTTP_X_FORWARDED_FOR=",".join(invented))) == "10.0.0.1"


@given(st.text(max_size=40))
def test_what_is_no_address_belongs_to_no_network(text):
    if address_of(text) is None:
        assert (address_prefix(text), truncated(text)) == (text.removesuffix("/32"), None)


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
