"""The tables as SQLAlchemy knows them. The migrations make them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()
clock_now = func.clock_now


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


def _bytes(*names: str) -> list[Column[bytes]]:
    return [Column(name, LargeBinary) for name in names]


def _times(*names: str) -> list[Column[object]]:
    return [Column(name, DateTime(timezone=True)) for name in names]


accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("name", "location", "plan"),
    *(Column(name, BigInteger) for name in ("daily_limit", "monthly_limit")),
    Column("retention_days", Integer),
    Column("default_source", Text),
    Column("default_targets", ARRAY(Text)),
    Column("version", Integer),
    *_times("created_at", "deleted_at"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "name", "hint", "kind", "created_by", "previous_hint"),
    *_bytes("hash", "pepper", "previous_hash", "previous_pepper"),
    Column("scopes", ARRAY(Text)),
    *(Column(name, BigInteger) for name in ("daily_limit", "monthly_limit")),
    *(Column(name, Integer) for name in ("rate_limit", "version")),
    *_times("created_at", "expires_at", "revoked_at", "last_used_at", "previous_until"),
)
platform_admins = Table(
    "platform_admins",
    metadata,
    Column("account_id", Text, primary_key=True),
    *_times("appointed_at"),
)
users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("identity"),
    *_bytes("email", "email_hash", "name", "profile_hash"),
    Column("email_verified", Boolean),
    *_times("profile_at", "created_at", "disabled_at", "tokens_valid_after", "erased_at", "identity_gone_at"),
    *_text("erased_by"),
)
sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("user_id", "name", "device", "network"),
    Column("digest", LargeBinary),
    *_times("signed_in_at", "created_at", "last_seen_at", "expires_at", "revoked_at"),
)
memberships = Table(
    "memberships",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    *_text("role"),
    *_times("joined_at"),
)
invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "role", "created_by", "accepted_by"),
    *_bytes("email", "email_hash", "token_hash"),
    *_times("created_at", "expires_at", "accepted_at", "revoked_at"),
)
emails = Table(
    "emails",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "kind"),
    Column("sealed", LargeBinary),
    *_text("state", "error"),
    *_times("created_at", "finished_at"),
)
oauth_grants = Table(
    "oauth_grants",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "user_id", "client_id", "redirect_uri", "challenge", "session_id"),
    Column("scopes", ARRAY(Text)),
    *_bytes("code_hash", "family_hash", "secret_hash"),
    *_times("code_expires_at", "redeemed_at", "refreshed_at", "created_at", "expires_at", "revoked_at"),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "parent_id", "created_by", "origin", "medium", "state", "priority", "name"),
    *_text("source_language", "source_object", "source_media_type", "results_prefix", "quote_id", "trace"),
    *(Column(name, BigInteger) for name in ("source_generation", "source_bytes")),
    *(Column(name, Integer) for name in ("price_version", "pages", "version")),
    *(Column(name, JSONB(none_as_null=True)) for name in ("leave_alone", "error")),
    Column("formats", ARRAY(Text)),
    *_times("created_at", "updated_at", "finished_at", "deleted_at"),
)
quotes = Table(
    "quotes",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "created_by", "medium", "media_type"),
    Column("pages", Integer),
    Column("seconds", Double),
    *(Column(name, BigInteger) for name in ("characters", "pixels")),
    *_text("sha256", "source_language"),
    Column("targets", JSONB),
    Column("free", ARRAY(Text)),
    Column("price_version", Integer),
    *_times("created_at", "expires_at"),
)
job_targets = Table(
    "job_targets",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("account_id", Text),
    Column("language", Text, primary_key=True),
    *_text("state", "result_object", "result_media_type"),
    Column("result_bytes", BigInteger),
    Column("flags", JSONB),
    Column("error", JSONB(none_as_null=True)),
    *_times("started_at", "finished_at"),
)
balances = Table(
    "balances",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("available", BigInteger),
    Column("held", BigInteger),
    *_times("proved_at"),
)
credit_lots = Table(
    "credit_lots",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_text("account_id"),
    *_times("expires_at"),
    Column("available", BigInteger),
    Column("held", BigInteger),
)
spending = Table(
    "spending",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("spender", Text, primary_key=True),
    Column("credits", BigInteger),
)
ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_text("account_id", "kind", "job_id", "target", "reference", "reason", "actor"),
    *(Column(name, BigInteger) for name in ("amount", "lot", "shortfall")),
    *_times("created_at", "expires_at"),
)
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True),
    Column("account_id", Text),
    Column("lot", BigInteger, primary_key=True),
    Column("book", Text, primary_key=True),
    Column("amount", BigInteger),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_text("account_id", "kind", "destination", "priority", "trace"),
    Column("payload", JSONB),
    *_times("due_at", "claimed_until"),
    Column("attempts", Integer),
    *_times("created_at", "sent_at"),
)
inbox = Table("inbox", metadata, Column("identity", LargeBinary, primary_key=True), *_times("received_at"))
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("account_id", Text),
    Column("token", BigInteger),
    *_times("expires_at"),
    Column("claims", Integer),
)
deadlines = Table(
    "deadlines",
    metadata,
    Column("job_id", Text, primary_key=True),
    *_text("account_id", "action"),
    *_times("due_at"),
)
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", Text),
    Column("principal", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text),
    Column("token", Uuid),
    *_times("locked_until", "expires_at"),
    Column("status", Integer),
    Column("headers", JSONB),
    Column("body", LargeBinary),
)
trial_days = Table(
    "trial_days",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pictures", BigInteger),
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_text("account_id", "subscription", "identity", "reason", "redriven_by"),
    Column("message", JSONB),
    Column("returned", Integer),
    *_times("received_at", "redriven_at"),
)
scenes = Table(
    "scenes",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("account_id", Text),
    Column("document", JSONB),
    Column("bought", Boolean),
    *_times("created_at"),
)
scene_translations = Table(
    "scene_translations",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("account_id", Text),
    Column("language", Text, primary_key=True),
    Column("blocks", JSONB),
)
provider_results = Table(
    "provider_results",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("result", JSONB),
    *_text("bought_by"),
    *_times("created_at"),
)
job_steps = Table(
    "job_steps",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_text("job_id", "account_id", "step", "target"),
    Column("attempt", Integer),
    Column("outcome", Text),
    *_times("started_at", "finished_at"),
    Column("calls", JSONB),
    Column("cache_hits", Integer),
    Column("bytes_read", BigInteger),
    Column("bytes_written", BigInteger),
    Column("error", Text),
)
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "url", "description"),
    Column("types", ARRAY(Text)),
    *_text("state", "reason"),
    *_times("failing_since"),
    Column("version", Integer),
    *_times("created_at", "updated_at", "deleted_at"),
)
webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("account_id", Text),
    Column("number", Integer, primary_key=True),
    Column("sealed", LargeBinary),
    *_times("created_at", "expires_at"),
)
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "type"),
    Column("data", JSONB),
    *_times("created_at"),
)
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "endpoint_id", "event_id", "state"),
    Column("tries", Integer),
    Column("first_try", Integer),
    Column("attempts", JSONB),
    Column("waiting", Boolean),
    *_times("next_attempt_at", "busy_until", "created_at", "finished_at"),
)
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_text("account_id", "purpose", "kek"),
    Column("wrapped", LargeBinary),
    *_times("wrapped_at", "created_at", "retired_at"),
)
account_exports = Table(
    "account_exports",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "created_by", "user_id", "state", "error"),
    Column("files", Boolean),
    Column("bytes", BigInteger),
    *_text("sha256"),
    *(Column(name, Integer) for name in ("entries", "omitted")),
    *_times("created_at", "finished_at", "expires_at"),
)
account_erasures = Table(
    "account_erasures",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("account_id", "receipt_id", "state", "requested_kind", "requested_by", "cancelled_by", "receipt"),
    *_times("requested_at", "due_at", "next_at", "cancelled_at", "closed_at", "finished_at"),
    Column("sealed", LargeBinary),
    *(Column(name, JSONB) for name in ("rows", "objects", "people")),
    Column("pending", JSONB(none_as_null=True)),
)
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("chain", Text, primary_key=True),
    *_text("account_id"),
    Column("number", BigInteger),
    Column("hash", LargeBinary),
    Column("anchored", BigInteger),
    *_times("anchored_at", "proved_at"),
)
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    *_text("account_id"),
    *_times("at"),
    *_text("actor_kind", "actor", "action", "target", "address", "request"),
    Column("facts", JSONB),
    *(Column(name, LargeBinary) for name in ("previous", "hash")),
)
selftests = Table(
    "selftests",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("state", "job_id"),
    *_times("requested_at", "started_at", "finished_at"),
    *_text("fault", "stage", "error"),
    *(Column(name, JSONB(none_as_null=True)) for name in ("quality", "milliseconds")),
)
state_transitions = Table(
    "state_transitions",
    metadata,
    *(Column(n, Text, primary_key=True) for n in ("entity", "from_state", "to_state")),
)
