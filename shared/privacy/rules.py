"""What an erasure does with each table: one list, which a test compares with the tables that there are."""

from __future__ import annotations

from typing import Final

BATCH: Final = 1000

ERASED: Final = (
    *("job_steps", "scene_translations", "scenes", "provider_results", "deadlines", "job_targets"),
    *(
        "quotes",
        "spending",
        "trial_days",
        "webhook_deliveries",
        "webhook_secrets",
        "webhook_events",
        "webhook_endpoints",
    ),
    *("oauth_grants", "invitations", "api_keys", "idempotency_keys", "account_exports", "emails"),
    *("dead_letters", "data_keys"),
)
"""All of an account's rows go, in this order, because of what refers to what."""

LAST: Final = ("outbox", "leases")
"""They go when nothing is under way any more: until then they tell what is."""

SCRUBBED: Final[dict[str, str]] = {
    "jobs": """
update jobs set name = '', created_by = '', leave_alone = null, formats = null, error = null, quote_id = null,
  trace = null, source_object = '', source_generation = null, source_media_type = null, source_bytes = null,
  source_language = null, results_prefix = '', deleted_at = coalesce(deleted_at, clock_now())
where id in (select id from jobs where account_id = :account and results_prefix <> '' limit :batch)
""",
    "ledger_transactions": """
update ledger_transactions set reason = 'erased' where id in (
  select id from ledger_transactions
  where account_id = :account and kind <> 'capture' and reason <> 'erased' limit :batch)
""",
    "accounts": """
update accounts set name = 'erased', location = 'global', default_source = null, default_targets = '{}'
where id = :account and name <> 'erased'
""",
}
"""Rows stay, because the books refer to them, without what somebody wrote or what tells of contents."""

PEOPLE: Final = ("memberships", "users", "sessions")
"""Memberships end one by one; whoever has no other account goes with their last."""

KEPT: Final[dict[str, str]] = {
    "ledger_entries": "the books: amounts, by ids",
    "balances": "the books: amounts, by ids",
    "credit_lots": "the books: amounts, by ids",
    "audit_entries": "ids, codes and networks, chained: who erased what must be provable",
    "audit_heads": "a number and a hash",
    "account_erasures": "the receipt: ids, times and counts",
    "platform_admins": "an account of the platform's own people is not erased",
}
"""Rows that stay as they are, and why."""

NOBODYS: Final = ("inbox", "selftests", "state_transitions")
"""Tables without anything of an account's: hashes of events, the deployment's own tests, moves of states."""

DELETE: Final[dict[str, str]] = {
    table: f"delete from {table} where ctid in "  # noqa: S608 - our own names
    f"(select ctid from {table} where account_id = :account limit :batch)"
    for table in ERASED
} | {
    "outbox": """
delete from outbox where account_id = :account
  and (sent_at is not null or destination not in ('sync_identity', 'send_email'))
""",
    "leases": "delete from leases where account_id = :account and name <> :own",
}
