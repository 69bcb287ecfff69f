"""Signing secrets at rest: those of before there were data keys still sign, and are sealed anew."""

import hashlib
import hmac
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.vault.errors import NotOpened
from shared.webhooks.sealing import SigningSecrets

EARLIER_KEY = "a key of this test, 32 characters and more"


def earlier(secret, endpoint):
    """As secrets were sealed under WEBHOOK_KEY."""
    key = hmac.digest(EARLIER_KEY.encode(), b"webhook signing secrets", hashlib.sha256)
    nonce = secrets.token_bytes(12)
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, secret.encode(), endpoint.encode())


@pytest.fixture
def endpoint(hooks):
    """An endpoint whose secret is sealed as it was earlier."""
    made = hooks.add()
    sealed = earlier(made.secret, made.id)
    hooks.database.run("update webhook_secrets set sealed = :s", s=sealed)
    return made


def sealed(hooks):
    return bytes(hooks.database.value("select sealed from webhook_secrets"))


def test_a_secret_of_the_earlier_format_signs(hooks, endpoint):
    hooks.happen()
    assert hooks.work() == 1
    assert hooks.delivery().state == "delivered"


def test_the_sweep_seals_it_anew(hooks, endpoint):
    hooks.secrets.reseal(lambda account: hooks.uow(account, system=True))
    now = sealed(hooks)
    assert now[:1] == b"\x02"
    without = SigningSecrets(hooks.secrets._vault)
    assert without.open(hooks.account, endpoint.id, now) == endpoint.secret
    hooks.secrets.reseal(lambda account: hooks.uow(account, system=True))
    assert sealed(hooks) == now


def test_without_the_earlier_key_it_stays_and_does_not_open(hooks, endpoint):
    without, before = SigningSecrets(hooks.secrets._vault), sealed(hooks)
    without.reseal(lambda account: hooks.uow(account, system=True))
    assert sealed(hooks) == before
    with pytest.raises(NotOpened):
        without.open(hooks.account, endpoint.id, before)
    with pytest.raises(NotOpened):
        hooks.secrets.open(hooks.account, "whe_2", before)
