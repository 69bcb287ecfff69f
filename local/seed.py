"""Accounts for development and tests, opened by what opens a deployment's first account."""

from __future__ import annotations

from sqlalchemy import create_engine

from shared.accounts.founding import Founded, Founding, found
from shared.auth.principal import ADMIN, SCOPES

PLENTY = 1_000_000
SeededAccount = Founded


def seed(url: str, pepper: str) -> SeededAccount:
    """Open the developer's account. `url` is of the user that migrates, or of a superuser."""
    return open_account(url, pepper, "Developer")


def appoint(url: str, pepper: str) -> SeededAccount:
    """Open the account of the platform's admin, whose key has no other scope. `url` is as for `seed`."""
    return _opened(url, pepper, Founding("Operator", scopes=(ADMIN,), admin=True))


def open_account(
    url: str, pepper: str, name: str, credits: int = PLENTY, scopes: tuple[str, ...] = SCOPES
) -> SeededAccount:
    """Open an account with `credits` and a key that has `scopes`."""
    return _opened(url, pepper, Founding(name, credits, scopes))


def _opened(url: str, pepper: str, order: Founding) -> SeededAccount:
    engine = create_engine(url)
    try:
        return found(engine, pepper, order)
    finally:
        engine.dispose()
