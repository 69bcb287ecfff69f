"""What callers are told about whom they act for."""

from shared.core.errors import ImangorError


class AccountNotFound(ImangorError):
    """There is no such account."""

    slug, status, title = "account-not-found", 404, "Account not found"
