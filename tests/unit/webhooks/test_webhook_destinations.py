"""Where messages may go: URLs and addresses that customers, or their DNS, might try."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks.destinations import Destination, is_public, parse
from shared.webhooks.errors import DestinationRefused

LOCAL = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("https://hooks.example.com:443/a", "hooks.example.com", 443, "/a", "hooks.example.com"),
        (
            "HTTPS://Hooks.Example.COM:8443/a?b=c",
            "hooks.example.com",
            8443,
            "/a?b=c",
            "hooks.example.com:8443",
        ),
        ("https://example.com./x", "example.com", 443, "/x", "example.com"),
        (
            "https://bücher.example/ü?q=é",
            "xn--bcher-kva.example",
            443,
            "/%C3%BC?q=%C3%A9",
            "xn--bcher-kva.example",
        ),
        (
            "https://例え.テスト.example/",
            "xn--r8jz45g.xn--zckzah.example",
            443,
            "/",
            "xn--r8jz45g.xn--zckzah.example",
        ),
        ("https://8.8.8.8/hook", "8.8.8.8", 443, "/hook", "8.8.8.8"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
    ],
)
def test_a_url_is_taken_apart(url, host, port, target, authority):
    found = parse(url)
    assert (found.host, found.port, found.target, found.authority) == (host, port, target, authority)


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("scheme", "http://example.com/"),
        ("scheme", "ftp://example.com/"),
        ("scheme", "file:///etc/passwd"),
        ("scheme", "gopher://example.com/"),
        ("scheme", "//example.com/"),
        ("scheme", "example.com"),
        ("scheme", ""),
        ("form", "https://exa mple.com/"),
        ("form", "https://example.com\\@127.0.0.1/"),
        ("form", "https://example.com/\r\nHost: other"),
        ("form", "https://example.com/\x00"),
        ("form", "https://example.com:99999/"),
        ("form", "https://example.com:0/"),
        ("form", "https://example.com:port/"),
        ("form", "https://[::1/"),
        ("form", "https://example.com/" + "a" * 2000),
        ("credentials", "https://user:word@example.com/"),
        ("credentials", "https://example.com@127.0.0.1/"),
        ("credentials", "https://@example.com/"),
        ("fragment", "https://example.com/#part"),
        ("fragment", "https://example.com/#"),
        ("port", "https://example.com:22/"),
        ("port", "https://example.com:6379/"),
        ("port", "https://8.8.8.8:80/"),
        ("host", "https://"),
        ("host", "https:///path"),
        ("host", "https://localhost/"),
        ("host", "https://metadata/"),
        ("host", "https://metadata.google.internal/computeMetadata/v1/"),
        ("host", "https://metadata.google.internal./"),
        ("host", "https://METADATA.GOOGLE.INTERNAL/"),
        ("host", "https://printer.local/"),
        ("host", "https://1.0.0.127.in-addr.arpa/"),
        ("host", "https://2130706433/"),
        ("host", "https://0x7f000001/"),
        ("host", "https://0177.0.0.1/"),
        ("host", "https://0x7f.0.0.1/"),
        ("host", "https://127.1/"),
        ("host", "https://example.com.0x10/"),
        ("host", "https://127.0.0.1.1/"),
        ("host", "https://-a.example.com/"),
        ("host", "https://a..example.com/"),
        ("host", "https://" + "a" * 64 + ".example.com/"),
        ("host", "https://" + ".".join(["abcdefgh"] * 40) + ".com/"),
        ("host", "https://%31%32%37.0.0.1/"),
        ("host", "https://\u2488example.com/"),
        ("address", "https://127.0.0.1/"),
        ("address", "https://127.0.0.1./"),
        ("address", "https://１２７.0.0.1/"),
        ("address", "https://169.254.169.254/latest/meta-data/"),
        ("address", "https://[::ffff:169.254.169.254]/"),
        ("address", "https://[::1]/"),
        ("address", "https://[fe80::1%25eth0]/"),
    ],
)
def test_what_is_refused_without_asking_the_dns(url, code):
    with pytest.raises(DestinationRefused) as caught:
        parse(url)
    assert (caught.value.errors[0].pointer, caught.value.errors[0].code) == ("/url", code)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2606:4700::1111%eth0",
    ],
)
def test_addresses_that_are_not_the_public_internet(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_addresses_that_are(address):
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_inside_of_ipv6_is_never_public(address):
    """However an IPv4 address is written as IPv6: mapped, compatible, NAT64, 6to4."""
    packed = address.packed.hex()
    for shape in ("::ffff:{}:{}", "::{}:{}", "64:ff9b::{}:{}", "2002:{}:{}::"):
        assert not is_public(ip_address(shape.format(packed[:4], packed[4:])))


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    for url in (text, f"https://{text}", f"https://example.com{text}"):
        try:
            found = parse(url)
        except DestinationRefused:
            continue
        assert found.scheme == "https"
        assert found.target.isascii()
        assert found.host.isascii()
        assert found.address is None or is_public(found.address)


def test_networks_that_are_allowed_besides():
    assert parse("http://127.0.0.1:9000/hook", LOCAL) == Destination("http", "127.0.0.1", 9000, "/hook")
    assert parse("http://localhost:9000/", LOCAL).host == "localhost"
    for url in (
        "http://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "http://8.8.8.8/",
        "https://x/",
    ):
        with pytest.raises(DestinationRefused):
            parse(url, LOCAL)
