"""What a browser is called, and the cookie that it is given."""

import pytest

from shared.core.credentials import Credentials
from shared.sessions.cookies import clear_cookie, set_cookie
from shared.sessions.device import device_of

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (CHROME, "Chrome on Linux"),
        (CHROME.replace("Chrome", "HeadlessChrome"), "Chrome on Linux"),
        (CHROME.replace("X11; Linux x86_64", "Linux; Android 15; K"), "Chrome on Android"),
        (CHROME.replace("X11; Linux x86_64", "X11; CrOS x86_64 14541.0.0"), "Chrome on ChromeOS"),
        (
            CHROME.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64") + " Edg/156.0.0.0",
            "Edge on Windows",
        ),
        (CHROME + " OPR/120.0.0.0", "Opera on Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on macOS",
        ),
        (PHONE + "Version/18.2 Mobile/15E148 Safari/604.1", "Safari on iOS"),
        (PHONE + "CriOS/156.0 Mobile/15E148 Safari/604.1", "Chrome on iOS"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.34", "unknown device"),
        ("", "unknown device"),
        (None, "unknown device"),
        ("<script>" * 10_000, "unknown device"),
    ],
)
def test_a_device_is_called_by_browser_and_system(agent, device):
    assert device_of(agent) == device


@pytest.mark.parametrize(
    ("host", "secure"),
    [
        ("api.example", True),
        ("api.example:8443", True),
        (None, True),
        ("localhost.evil.example", True),
        ("127.0.0.1:8080", False),
        ("localhost:8080", False),
        ("[::1]:8080", False),
        ("localhost", False),
    ],
)
def test_a_cookie_goes_over_tls_alone_but_on_this_machine(host, secure):
    header = set_cookie("x.y.z", 60, Credentials(host=host))["Set-Cookie"]
    assert header.startswith("imangor_session=x.y.z; Path=/v1; Max-Age=60; HttpOnly;")
    assert header.endswith("SameSite=Strict")
    assert ("Secure;" in header) == secure
    assert "imangor_session=; Path=/v1; Max-Age=0;" in clear_cookie(Credentials(host=host))["Set-Cookie"]
