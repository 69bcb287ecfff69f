"""Signatures, against the reference library of Standard Webhooks and its vector."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from shared.webhooks.signature import BadSignature, InvalidSecret, new_secret, secret_bytes, sign, verify

# The vector of the reference libraries (github.com/standard-webhooks/standard-webhooks, `libraries`).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

KEY = secret_bytes(SECRET)


def headers(**changed: str) -> dict[str, str]:
    return {**sign([KEY], MESSAGE, TIMESTAMP, BODY), **{k.replace("_", "-"): v for k, v in changed.items()}}


def test_the_reference_vector():
    assert sign([KEY], MESSAGE, TIMESTAMP, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }
    assert verify([KEY], headers(), BODY, TIMESTAMP) == MESSAGE


@given(body=st.text(max_size=200), message=st.from_regex(r"evt_[0-9a-z]{26}", fullmatch=True))
def test_the_reference_library_verifies_what_we_sign_and_the_other_way_round(body, message):
    secret, now = new_secret(), int(time.time())
    ours = sign([secret_bytes(secret)], message, now, body.encode())
    Webhook(secret).verify(body, ours, json_parse=False)
    theirs = Webhook(secret).sign(message, datetime.fromtimestamp(now, tz=UTC), body)
    assert verify([secret_bytes(secret)], {**ours, "webhook-signature": theirs}, body.encode(), now)


def test_while_a_secret_changes_both_verify():
    old, new = new_secret(), new_secret()
    now = int(time.time())
    both = sign([secret_bytes(new), secret_bytes(old)], MESSAGE, now, BODY)
    assert both["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        Webhook(secret).verify(BODY, both)
        assert verify([secret_bytes(secret)], both, BODY, now) == MESSAGE
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, both)
    assert verify([secret_bytes(new_secret()), secret_bytes(old)], both, BODY, now) == MESSAGE


@pytest.mark.parametrize(
    "given",
    [
        headers(webhook_signature=""),
        headers(webhook_signature="v1,"),
        headers(webhook_signature="v1,not base64 at all"),
        headers(webhook_signature="v1,AAAA"),
        headers(webhook_signature=SIGNATURE.replace("v1,", "v1a,")),
        headers(webhook_signature=SIGNATURE.replace("v1,", "v2,")),
        headers(webhook_signature=SIGNATURE[3:]),
        headers(webhook_signature=" ".join(["v1,AAAA"] * 20 + [SIGNATURE])),
        headers(webhook_id=MESSAGE + "x"),
        headers(webhook_id=""),
        headers(webhook_timestamp=str(TIMESTAMP + 1)),
        headers(webhook_timestamp=""),
        headers(webhook_timestamp="-1"),
        headers(webhook_timestamp="1e9"),
        headers(webhook_timestamp="١٦١٤٢٦٥٣٣٠"),
        headers(webhook_timestamp="9" * 400),
        {},
    ],
)
def test_anything_else_is_refused(given):
    with pytest.raises(BadSignature):
        verify([KEY], given, BODY, TIMESTAMP)


def test_another_body_key_or_no_key_is_refused():
    for keys, body in (([KEY], BODY + b" "), ([secret_bytes(new_secret())], BODY), ([], BODY)):
        with pytest.raises(BadSignature):
            verify(keys, headers(), body, TIMESTAMP)


@pytest.mark.parametrize(
    ("age", "accepted"), [(0, True), (299, True), (-299, True), (301, False), (-301, False)]
)
def test_old_and_future_messages_are_refused(age, accepted):
    if accepted:
        assert verify([KEY], headers(), BODY, TIMESTAMP + age) == MESSAGE
    else:
        with pytest.raises(BadSignature):
            verify([KEY], headers(), BODY, TIMESTAMP + age)


def test_a_secret_has_24_to_64_bytes():
    assert len(secret_bytes(new_secret())) == 32
    assert secret_bytes("whsec_" + base64.b64encode(b"k" * 25).decode().rstrip("=")) == b"k" * 25
    for wrong in ("", "whsec_", "whsec_%%%%", "whsec_" + base64.b64encode(b"k" * 23).decode(), "é"):
        with pytest.raises(InvalidSecret):
            secret_bytes(wrong)
    with pytest.raises(InvalidSecret):
        secret_bytes("whsec_" + base64.b64encode(b"k" * 65).decode())
