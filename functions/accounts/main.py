"""/v1/account: whose account it is, what it has used, its settings, and limits of what may be spent."""

from __future__ import annotations

from shared.accounts.errors import KeyNotFound, SettingsChanged, TestKeySpendsNothing
from shared.accounts.schemas import (
    Account,
    AccountSettings,
    ChangeSettings,
    KeyId,
    Spending,
    SpendLimits,
    Usage,
    UsageFilter,
)
from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.ledger.schemas import AccountId
from shared.members.errors import EmailNotVerified, LastOwner, TooManyAccounts
from shared.members.schemas import Belonging, BelongingList, OpenAccount
from shared.translation.errors import UnsupportedLanguage


@http.post("/", auth="person", rate="10/hour", status=201, errors=[EmailNotVerified, TooManyAccounts])
def open_account(ctx: Context, body: OpenAccount) -> Belonging:
    """Open an account and be its owner."""
    return ctx.belonging.open(ctx.caller, body)


@http.get("/v1/accounts", auth="person", rate="300/minute")
def list_accounts(ctx: Context) -> BelongingList:
    """List the accounts that you belong to. `X-Account` chooses among them; without it, it is the first."""
    return ctx.belonging.all(ctx.caller)


@http.delete(
    "/v1/accounts/{account_id}/membership",
    auth="person",
    rate="30/minute",
    status=204,
    errors=[AccountNotFound, LastOwner],
)
def leave_account(ctx: Context, account_id: AccountId) -> None:
    """Leave an account. Its last owner stays."""
    ctx.belonging.leave(ctx.caller, account_id)


@http.get("/", auth="account:read", rate="300/minute")
def get_account(ctx: Context) -> Account:
    """Read the account's profile."""
    return ctx.accounts.profile()


@http.get("/usage", auth="account:read", rate="60/minute")
def get_usage(ctx: Context, query: UsageFilter) -> Usage:
    """Read what was used on up to 92 days, by day, medium, language and key.

    Everything counts for the day on which its job was accepted.
    """
    return ctx.accounts.usage(query)


@http.get("/settings", auth="account:read", rate="300/minute")
def get_settings(ctx: Context) -> AccountSettings:
    """Read the settings that hold for all jobs."""
    return ctx.accounts.settings()


@http.patch(
    "/settings", auth="account:write", rate="60/minute", errors=[SettingsChanged, UnsupportedLanguage]
)
def change_settings(ctx: Context, body: ChangeSettings, if_match: str) -> AccountSettings:
    """Change settings: how long files are kept, default languages, where providers work."""
    return ctx.accounts.change(body, if_match)


@http.get("/limits", auth="account:read", rate="300/minute")
def get_spend_limits(ctx: Context) -> Spending:
    """Read the account's limits, and what was spent today and in this month (UTC)."""
    return ctx.accounts.limits()


@http.put("/limits", auth="account:owner", rate="60/minute")
def set_spend_limits(ctx: Context, body: SpendLimits) -> Spending:
    """Limit what the account may spend in a day and in a month (UTC)."""
    return ctx.accounts.limit(body)


@http.get("/keys/{key_id}/limits", auth="account:read", rate="300/minute", errors=[KeyNotFound])
def get_key_limits(ctx: Context, key_id: KeyId) -> Spending:
    """Read the limits of an API key, and what it spent."""
    return ctx.accounts.key_limits(key_id)


@http.put(
    "/keys/{key_id}/limits",
    auth="account:owner",
    rate="60/minute",
    errors=[KeyNotFound, TestKeySpendsNothing],
)
def set_key_limits(ctx: Context, key_id: KeyId, body: SpendLimits) -> Spending:
    """Limit what an API key may spend in a day and in a month (UTC)."""
    return ctx.accounts.limit_key(key_id, body)


MINE = (open_account, list_accounts, leave_account)
SETTINGS = (get_account, get_usage, get_settings, change_settings)
LIMITS = (get_spend_limits, set_spend_limits, get_key_limits, set_key_limits)
accounts = mount("accounts", *MINE, *SETTINGS, *LIMITS)
