"""Secrets at rest."""

import pytest

from shared.webhooks.sealing import Seal

KEY = "k" * 32


def test_what_was_sealed_opens_again_and_never_looks_the_same():
    sealed = [Seal(KEY).close("whsec_abc", "whe_1") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert all(Seal(KEY).open(each, "whe_1") == "whsec_abc" for each in sealed)
    assert b"whsec" not in sealed[0]


def test_another_key_endpoint_or_byte_opens_nothing():
    sealed = Seal(KEY).close("whsec_abc", "whe_1")
    wrong = [
        (Seal("x" * 32), sealed, "whe_1"),
        (Seal(KEY), sealed, "whe_2"),
        (Seal(KEY), sealed[:-1], "whe_1"),
    ]
    wrong += [
        (Seal(KEY), b"\x02" + sealed[1:], "whe_1"),
        (Seal(KEY), b"", "whe_1"),
        (Seal(KEY), b"\x01" * 40, "whe_1"),
    ]
    for seal, each, endpoint in wrong:
        with pytest.raises(ValueError):
            seal.open(each, endpoint)
