"""What makes at-least-once delivery safe: outbox, inbox, leases, deadlines, idempotency, dead letters."""

from alembic import op

from shared.db.migrations.tenancy import crossing, tenant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table outbox (
      id bigint generated always as identity primary key,
      account_id text not null,
      kind text not null check (kind in ('task', 'event', 'erase')),
      destination text not null,
      payload jsonb not null,
      due_at timestamptz not null default clock_now(),
      claimed_until timestamptz not null,
      attempts integer not null default 0,
      created_at timestamptz not null default clock_now(),
      sent_at timestamptz
    );
    create index outbox_unsent on outbox (claimed_until) where sent_at is null;
    create index outbox_sent on outbox (sent_at) where sent_at is not null;

    create table inbox (
      identity bytea primary key,
      received_at timestamptz not null default clock_now()
    );
    comment on table inbox is 'SHA-256 of each handled event''s identity; holds nothing of a customer.';
    grant select, insert on inbox to imangor_app;
    grant select, insert, delete on inbox to imangor_system;

    create sequence lease_tokens;
    grant usage on sequence lease_tokens to imangor_app, imangor_system;
    create table leases (
      name text primary key,
      account_id text not null,
      token bigint not null default nextval('lease_tokens'),
      expires_at timestamptz not null,
      claims integer not null default 1
    );

    create table deadlines (
      job_id text primary key,
      account_id text not null references accounts,
      action text not null check (action in ('expire_upload', 'rescue', 'erase')),
      due_at timestamptz not null,
      foreign key (account_id, job_id) references jobs (account_id, id)
    );
    create index on deadlines (due_at);

    create table idempotency_keys (
      account_id text not null references accounts,
      principal text not null,
      operation text not null,
      key text not null,
      fingerprint text not null,
      token uuid not null default gen_random_uuid(),
      locked_until timestamptz not null,
      expires_at timestamptz not null,
      status integer,
      headers jsonb,
      body bytea,
      primary key (principal, operation, key)
    );
    create index on idempotency_keys (expires_at);

    create table dead_letters (
      id bigint generated always as identity primary key,
      account_id text,
      subscription text not null,
      identity text not null,
      message jsonb not null,
      received_at timestamptz not null default clock_now(),
      unique (subscription, identity)
    );
    """)
    for table, grants, more in (
        ("outbox", "select, insert, update", "select, insert, update, delete"),
        ("leases", "select, insert, update", "select, insert, update, delete"),
        ("deadlines", "select, insert, update, delete", "select, insert, update, delete"),
        ("idempotency_keys", "select, insert, update, delete", "select, delete"),
    ):
        op.execute(tenant(table, grants))
        op.execute(crossing(table, more))
    op.execute("""
    alter table dead_letters enable row level security;
    alter table dead_letters force row level security;
    """)
    op.execute(crossing("dead_letters", "select, insert, update, delete"))


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop table dead_letters, idempotency_keys, deadlines, leases, inbox, outbox;
    drop sequence lease_tokens;
    """)
