from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from local.gateway.invokers import EVENTS, SCHEDULES, STRIPPED, TASKS, Refused, admit
from local.identity import ensure_keys, mint_id_token

URL = "http://127.0.0.1:1/_functions/on-upload"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "email"), [("storage", EVENTS), ("pubsub", EVENTS), ("task", TASKS), ("schedule", SCHEDULES)]
)
def test_the_right_invoker_passes_without_its_signature(keys: Path, kind: str, email: str) -> None:
    token = mint_id_token(keys, email, URL)

    seen = admit(keys, kind, URL, f"Bearer {token}")

    assert seen == f"Bearer {token.rsplit('.', 1)[0]}.{STRIPPED}"


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer "])
def test_without_a_token_nobody_passes(keys: Path, authorization: str | None) -> None:
    with pytest.raises(Refused) as refused:
        admit(keys, "task", URL, authorization)

    assert refused.value.status == 403


def test_a_token_of_another_invoker_is_not_permitted(keys: Path) -> None:
    with pytest.raises(Refused) as refused:
        admit(keys, "task", URL, f"Bearer {mint_id_token(keys, EVENTS, URL)}")

    assert refused.value.status == 403


def test_tokens_that_prove_nothing_are_401(keys: Path, tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    good = mint_id_token(keys, TASKS, URL)
    claims = jwt.decode(good, options={"verify_signature": False})
    worthless = [
        mint_id_token(tmp_path, TASKS, URL),
        mint_id_token(keys, TASKS, URL + "/"),
        mint_id_token(keys, TASKS, URL, lifetime=-100),
        jwt.encode(claims, "", algorithm="none"),
        f"{good.rsplit('.', 1)[0]}.{STRIPPED}",
        "not.a.token",
        "nothing",
    ]

    for token in worthless:
        with pytest.raises(Refused) as refused:
            admit(keys, "task", URL, f"Bearer {token}")
        assert refused.value.status == 401
        assert "invalid_token" in refused.value.headers["WWW-Authenticate"]
