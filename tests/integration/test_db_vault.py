"""Data keys on the real database: made once, kept a while, wrapped anew, retired, destroyed."""

from datetime import timedelta
from functools import partial

import pytest

from shared.vault.envelope import key_of
from shared.vault.errors import KeyDestroyed, NotOpened
from shared.vault.key_file import KeyFile, add_version
from shared.vault.keyring import SECONDS, Keyring
from shared.vault.upkeep import RETIRE_DAYS, REWRAP_DAYS, VaultUpkeep
from shared.vault.vault import Vault


class CountedKey(KeyFile):
    """A key file that counts its uses."""

    uses = 0

    def wrap(self, key, bound):
        self.uses += 1
        return super().wrap(key, bound)

    def unwrap(self, wrapped, bound):
        self.uses += 1
        return super().unwrap(wrapped, bound)


class Safe:
    """A vault, and its parts."""

    def __init__(self, database, folder):
        self.database = database
        self.path = folder / "keys"
        add_version(self.path)
        self.now = 0.0
        self.account = database.account()
        self.key = CountedKey(self.path.as_uri())
        self.keyring = Keyring([self.key], lambda: self.now)
        self.vault = Vault(self.keyring, database.uow)

    def another(self, *keys):
        """The vault of another process."""
        return Vault(Keyring(keys or [self.key], lambda: self.now), self.database.uow)

    def upkeep(self, keyring=None):
        return VaultUpkeep(keyring or self.keyring, lambda account: self.database.uow(account, system=True))

    def keys(self, columns="id"):
        return self.database.rows(f"select {columns} from data_keys order by created_at")  # noqa: S608


@pytest.fixture
def safe(database, tmp_path):
    return Safe(database, tmp_path)


def test_what_is_sealed_opens_in_every_process(safe):
    for account in (None, safe.account):
        sealed = safe.vault.seal("secret", b"words", "row_1", account)
        assert safe.another().open("secret", sealed, "row_1", account) == b"words"
    (common, own) = safe.keys("account_id, purpose, wrapped")
    assert (common.account_id, own.account_id, own.purpose) == (None, safe.account, "secret")


def test_it_does_not_open_elsewhere(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    for purpose, row in (("other", "row_1"), ("secret", "row_2")):
        with pytest.raises(NotOpened):
            safe.vault.open(purpose, sealed, row, safe.account)
    other = safe.database.account()
    with pytest.raises(KeyDestroyed):
        safe.another().open("secret", sealed, "row_1", other)
    with pytest.raises(NotOpened):
        safe.vault.open("secret", sealed, "row_1", other)


def test_processes_that_begin_together_make_one_key(safe, together):
    seals = together(*(partial(safe.another().seal, "secret", b"x", "r", safe.account) for _ in range(6)))
    assert len({key_of(sealed) for sealed in seals}) == 1


def test_unwrapped_keys_are_kept_for_a_while(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    before = safe.key.uses
    for _ in range(5):
        safe.vault.open("secret", sealed, "row_1", safe.account)
        safe.vault.seal("secret", b"words", "row_1", safe.account)
    assert safe.key.uses == before
    safe.now += SECONDS + 1
    safe.vault.open("secret", sealed, "row_1", safe.account)
    assert safe.key.uses == before + 1


def test_ready_leaves_nothing_to_be_asked_for(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    vault = safe.another()
    vault.ready("secret", safe.account)
    before = safe.key.uses
    with safe.database.statements() as seen:
        assert vault.open("secret", sealed, "row_1", safe.account) == b"words"
    assert (safe.key.uses, seen) == (before, [])


def test_a_lookup_hash_is_the_same_everywhere_and_for_one_purpose(safe):
    first = safe.vault.lookup_hash("address", "a@example.com")
    assert safe.another().lookup_hash("address", "a@example.com") == first
    assert safe.vault.lookup_hash("address", "b@example.com") != first
    assert safe.vault.lookup_hash("name", "a@example.com") != first


def test_data_keys_are_wrapped_anew_with_the_newest_version(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    add_version(safe.path)
    safe.upkeep().keep()
    assert bytes(safe.keys("wrapped")[0].wrapped)[:4] == b"\0\0\0\x01"
    safe.database.move_clock(timedelta(days=REWRAP_DAYS, minutes=1))
    safe.upkeep().keep()
    assert bytes(safe.keys("wrapped")[0].wrapped)[:4] == b"\0\0\0\x02"
    assert safe.another().open("secret", sealed, "row_1", safe.account) == b"words"


def test_another_key_takes_over(safe, tmp_path):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    add_version(tmp_path / "other")
    other = KeyFile((tmp_path / "other").as_uri())
    both = Keyring([other, safe.key])
    assert safe.upkeep(both).rewrap(0) == 1
    assert safe.another(other).open("secret", sealed, "row_1", safe.account) == b"words"


def test_old_data_keys_are_replaced_and_still_open(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    looked_up = safe.vault.lookup_hash("address", "a")
    safe.database.move_clock(timedelta(days=RETIRE_DAYS, minutes=1))
    safe.upkeep().keep()
    fresh = safe.another()
    newer = fresh.seal("secret", b"words", "row_1", safe.account)
    assert key_of(newer) != key_of(sealed)
    assert fresh.open("secret", sealed, "row_1", safe.account) == b"words"
    assert fresh.lookup_hash("address", "a") == looked_up


def test_what_a_destroyed_key_encrypted_is_gone(safe):
    sealed = safe.vault.seal("secret", b"words", "row_1", safe.account)
    with safe.database.uow(safe.account) as uow:
        uow.sql("delete from data_keys where account_id = :a", a=safe.account)
    with pytest.raises(KeyDestroyed):
        safe.another().open("secret", sealed, "row_1", safe.account)
    safe.now += SECONDS + 1
    with pytest.raises(KeyDestroyed):
        safe.vault.open("secret", sealed, "row_1", safe.account)
