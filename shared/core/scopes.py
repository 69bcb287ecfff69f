"""The words that operations ask for and callers have."""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "jobs:read": "read jobs, their results and scenes, and quotes",
    "jobs:write": "create, cancel, retry and delete jobs",
    "credits:read": "read the balance, transactions and statements",
    "webhooks:read": "read webhook endpoints, events and deliveries",
    "webhooks:write": "change webhook endpoints, and deliver again",
    "account:read": "read the account's profile, settings, usage and limits",
    "account:write": "change the account's settings",
    "account:owner": "set spend limits",
    "exports:read": "fetch exports of everything of the account",
    "exports:write": "order and remove exports of everything of the account",
    "erasure:read": "read whether the account is to be erased",
    "erasure:write": "have the account erased, or stop that",
    "members:read": "read who belongs to the account",
    "members:write": "invite people, change their roles and remove them",
    "keys:read": "read which API keys there are",
    "keys:write": "make, change and revoke API keys",
    "audit:read": "read the audit log",
}
SCOPES: Final = tuple(MEANINGS)
"""What a key of an ordinary account, or an owner, may have."""
PERSON: Final = "person"
"""No scope, but whoever signed in: what they may do as themselves and for no account."""
ADMIN: Final = "admin"
"""The scope of the platform's own people. The database must know the key's account as one of theirs."""
