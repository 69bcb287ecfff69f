"""Webhooks: endpoints with their secrets, what happened, and one delivery for each endpoint and event."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table webhook_endpoints (
      id text primary key,
      account_id text not null references accounts,
      url text not null,
      description text not null default '',
      types text[] not null default '{}',
      state text not null default 'enabled' check (state in ('enabled', 'disabled')),
      reason text check (reason in ('requested', 'gone', 'failing')),
      failing_since timestamptz,
      version integer not null default 1,
      created_at timestamptz not null default clock_now(),
      updated_at timestamptz not null default clock_now(),
      deleted_at timestamptz,
      check ((state = 'disabled') = (reason is not null)),
      unique (account_id, id)
    );
    create unique index webhook_endpoint_once on webhook_endpoints (account_id, url)
      where deleted_at is null;
    create index on webhook_endpoints (deleted_at) where deleted_at is not null;
    comment on column webhook_endpoints.types is 'Which events are delivered; empty for every one.';

    create table webhook_secrets (
      endpoint_id text not null,
      account_id text not null references accounts,
      number integer not null,
      sealed bytea not null,
      created_at timestamptz not null default clock_now(),
      expires_at timestamptz,
      primary key (endpoint_id, number),
      foreign key (account_id, endpoint_id) references webhook_endpoints (account_id, id) on delete cascade
    );
    create index on webhook_secrets (expires_at) where expires_at is not null;
    comment on column webhook_secrets.sealed is 'Encrypted with a key that the database does not know.';

    create table webhook_events (
      id text primary key,
      account_id text not null references accounts,
      type text not null,
      data jsonb not null,
      created_at timestamptz not null default clock_now(),
      unique (account_id, id)
    );
    create index on webhook_events (account_id, created_at desc, id desc);
    create index on webhook_events (created_at);

    create table webhook_deliveries (
      id text primary key,
      account_id text not null references accounts,
      endpoint_id text not null,
      event_id text not null,
      state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
      tries integer not null default 0,
      first_try integer not null default 0,
      attempts jsonb not null default '[]',
      next_attempt_at timestamptz default clock_now(),
      created_at timestamptz not null default clock_now(),
      finished_at timestamptz,
      check ((state = 'pending') = (next_attempt_at is not null)),
      check ((state = 'pending') = (finished_at is null)),
      unique (endpoint_id, event_id),
      foreign key (account_id, endpoint_id) references webhook_endpoints (account_id, id) on delete cascade,
      foreign key (account_id, event_id) references webhook_events (account_id, id) on delete cascade
    );
    create index on webhook_deliveries (account_id, created_at desc, id desc);
    create index on webhook_deliveries (event_id);
    create index on webhook_deliveries (next_attempt_at) where state = 'pending';
    comment on column webhook_deliveries.tries is
      'How many tries have ended; a task holds the number of the try that it is for.';
    comment on column webhook_deliveries.first_try is 'The try with which the schedule began, by a replay.';
    """)
    op.execute(tenant("webhook_endpoints", "select, insert, update"))
    op.execute(tenant("webhook_secrets", "select, insert, update"))
    op.execute(tenant("webhook_events", "select, insert"))
    op.execute(tenant("webhook_deliveries", "select, insert, update"))
    # Of other accounts, the system role sees only what is to be forgotten, and what is overdue.
    op.execute("""
    create policy forgotten on webhook_endpoints to imangor_system
      using (deleted_at < clock_now() - interval '31 days') with check (false);
    create policy forgotten on webhook_secrets to imangor_system
      using (expires_at < clock_now()) with check (false);
    create policy forgotten on webhook_events to imangor_system
      using (created_at < clock_now() - interval '30 days') with check (false);
    create policy overdue on webhook_deliveries for select to imangor_system
      using (state = 'pending' and next_attempt_at < clock_now() - interval '10 minutes');
    grant delete on webhook_endpoints, webhook_secrets, webhook_events to imangor_system;
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table webhook_deliveries, webhook_events, webhook_secrets, webhook_endpoints")
