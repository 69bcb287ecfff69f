"""What owners do with their account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.accounts.errors import KeyNotFound, SettingsChanged, TestKeySpendsNothing
from shared.accounts.repository import AccountRecord, AccountRepository
from shared.accounts.schemas import (
    Account,
    AccountSettings,
    ChangeSettings,
    Spending,
    SpendLimits,
    Usage,
    UsageFilter,
)
from shared.accounts.usage import usage
from shared.audit.actions import Action
from shared.audit.log import record as audit
from shared.core.errors import FieldError, InvalidInput
from shared.db.unit_of_work import UnitOfWork
from shared.translation.languages import Languages
from shared.translation.tags import AUTO


class AccountService:
    """The operations. `current` gives the request's unit of work."""

    def __init__(self, current: Callable[[], UnitOfWork], languages: Languages):
        self._current = current
        self._languages = languages

    def profile(self) -> Account:
        """Whose account it is."""
        record = AccountRepository(self._current()).get()
        return Account(id=record.id, name=record.name, plan=record.plan, created_at=record.created_at)

    def usage(self, query: UsageFilter) -> Usage:
        """What was used on some days."""
        return usage(self._current(), query)

    def settings(self) -> AccountSettings:
        """The settings as they are."""
        return _shown(AccountRepository(self._current()).get())

    def change(self, change: ChangeSettings, if_match: str) -> AccountSettings:
        """Change some settings. Raises `SettingsChanged`, `UnsupportedLanguage`, `InvalidInput`."""
        values = _columns(change)
        # Before the transaction: the list may have to be asked of the provider.
        self._languages.require(values.get("default_source"), values.get("default_targets") or [])
        accounts = AccountRepository(self._current())
        record = accounts.get(lock=True)
        if if_match not in {"*", str(record.version)}:
            raise SettingsChanged()
        source = values.get("default_source", record.default_source)
        targets = values.get("default_targets", record.default_targets)
        if source in targets:
            wrong = FieldError("/targets", "same-language", "The default source is one of the targets, too.")
            raise InvalidInput(errors=[wrong])
        accounts.change(**values)
        facts: dict[str, Any] = {
            name: ",".join(v) if isinstance(v, list) else v for name, v in values.items()
        }
        audit(self._current(), Action.SETTINGS_CHANGED, **facts)
        return _shown(accounts.get())

    def limits(self) -> Spending:
        """The account's limits, and what was spent under them."""
        accounts = AccountRepository(self._current())
        record = accounts.get()
        return _spending((record.daily_limit, record.monthly_limit), accounts.spent())

    def limit(self, limits: SpendLimits) -> Spending:
        """Set the account's limits. They hold from the next job on."""
        accounts = AccountRepository(self._current())
        accounts.change(daily_limit=limits.daily, monthly_limit=limits.monthly)
        audit(self._current(), Action.LIMITS_CHANGED, daily=limits.daily, monthly=limits.monthly)
        return _spending((limits.daily, limits.monthly), accounts.spent())

    def key_limits(self, key: str) -> Spending:
        """A key's limits, and what was spent under them. Raises `KeyNotFound`."""
        accounts = AccountRepository(self._current())
        limits = accounts.key_limits(key)
        if limits is None:
            raise KeyNotFound()
        return _spending(limits, accounts.spent(key))

    def limit_key(self, key: str, limits: SpendLimits) -> Spending:
        """Set a key's limits. Raises `KeyNotFound`, `TestKeySpendsNothing`."""
        accounts = AccountRepository(self._current())
        if accounts.key_kind(key) == "test":
            raise TestKeySpendsNothing()
        accounts.limit_key(key, limits.daily, limits.monthly)
        audit(self._current(), Action.LIMITS_CHANGED, key, daily=limits.daily, monthly=limits.monthly)
        return self.key_limits(key)


def _columns(change: ChangeSettings) -> dict[str, Any]:
    """The columns of the settings that were given."""
    source = None if change.source_language == AUTO else change.source_language
    values = {
        "retention_days": change.retention_days,
        "source_language": source,
        "targets": change.targets,
        "location": change.location,
    }
    names = {"source_language": "default_source", "targets": "default_targets"}
    return {names.get(name, name): values[name] for name in change.model_fields_set}


def _shown(record: AccountRecord) -> AccountSettings:
    return AccountSettings(
        retention_days=record.retention_days,
        source_language=record.default_source or AUTO,
        targets=record.default_targets,
        location=record.location,
        version=record.version,
    )


def _spending(limits: tuple[int | None, int | None], spent: tuple[int, int]) -> Spending:
    return Spending(daily=limits[0], monthly=limits[1], spent_today=spent[0], spent_this_month=spent[1])
