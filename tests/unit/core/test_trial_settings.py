"""A trial that could not work is refused, and none is the default."""

import pytest

from shared.core import config
from shared.core.config import Misconfigured, TrialSettings

ACCOUNT = "acc_01k9z3v5w8x2y4a6b8c0d2e4f6"
REDIS, PROXIES = {"REDIS_URL": "redis://127.0.0.1:1"}, {"TRUSTED_PROXIES": "2"}


@pytest.fixture
def account(monkeypatch):
    """Whose the trial is, with these settings and no others."""

    def load(**values):
        for name in ("REDIS_URL", "TRUSTED_PROXIES", "K_SERVICE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        config.forget()
        settings = TrialSettings.load()
        settings.require_possible()
        return settings.trial_account

    yield load
    config.forget()


def test_there_is_none_unless_somebody_pays(account):
    assert account() is None
    assert account(**REDIS, TRIAL_PICTURES="5") is None


@pytest.mark.parametrize("more", [{}, {"K_SERVICE": "jobs", **PROXIES}])
def test_it_needs_an_account_and_the_means_to_count(account, more):
    assert account(**REDIS, TRIAL_ACCOUNT=ACCOUNT, **more) == ACCOUNT


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (REDIS | {"TRIAL_ACCOUNT": "acc_1"}, "TRIAL_ACCOUNT"),
        (REDIS | {"TRIAL_PICTURES": "0"}, "TRIAL_PICTURES"),
        (REDIS | {"TRIAL_NETWORK_PICTURES": "0"}, "TRIAL_NETWORK_PICTURES"),
        (REDIS | {"TRIAL_PICTURES": "2"}, "nobody could have it"),
        ({}, "REDIS_URL"),
        (REDIS | {"K_SERVICE": "jobs"}, "TRUSTED_PROXIES"),
    ],
)
def test_what_cannot_work_is_refused(account, values, why):
    with pytest.raises(Misconfigured, match=why):
        account(**{"TRIAL_ACCOUNT": ACCOUNT, **values})
