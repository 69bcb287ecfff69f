"""What `sweep` does for data keys: encrypt them anew, and let them be replaced, some at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.vault.keyring import Keyring
from shared.vault.vault import LOOKUP

BATCH: Final = 50
REWRAP_DAYS: Final = 90
"""After so many days a data key is encrypted with the version of the key that is the newest then."""
RETIRE_DAYS: Final = 365
"""After so many days a data key encrypts nothing more; it still opens what it encrypted."""
_OLD: Final = """
select id, account_id, purpose, kek, wrapped from data_keys
where wrapped_at < clock_now() - make_interval(days => :days) order by wrapped_at limit :limit
"""
_REWRAP: Final = """
update data_keys set kek = :kek, wrapped = :wrapped, wrapped_at = clock_now()
where id = :id and wrapped = :before
"""
_RETIRE: Final = """
update data_keys set retired_at = clock_now() where id in (
  select id from data_keys where retired_at is null and not starts_with(purpose, :lookup)
    and created_at < clock_now() - make_interval(days => :days) limit :limit)
"""


class VaultUpkeep:
    """Runs as the system role."""

    def __init__(self, keyring: Keyring, open_uow: Callable[[str | None], UnitOfWork]):
        self._keyring = keyring
        self._open_uow = open_uow

    def keep(self) -> None:
        """One round."""
        self.rewrap(REWRAP_DAYS)
        with self._open_uow(None) as uow:
            uow.sql(_RETIRE, lookup=LOOKUP, days=RETIRE_DAYS, limit=BATCH)

    def rewrap(self, days: int) -> int:
        """Encrypt some data keys anew that were encrypted `days` ago or earlier; gives their number."""
        with self._open_uow(None) as uow:
            old = uow.sql(_OLD, days=days, limit=BATCH).all()
        for row in old:
            kek, wrapped = self._keyring.rewrapped(row)
            with self._open_uow(None) as uow:
                uow.sql(_REWRAP, id=row.id, kek=kek, wrapped=wrapped, before=bytes(row.wrapped))
        return len(old)
