"""Scenes and their translations, bought results, and the steps that a receipt lists."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table scenes (
      job_id text primary key,
      account_id text not null references accounts,
      document jsonb not null,
      created_at timestamptz not null default clock_now(),
      foreign key (account_id, job_id) references jobs (account_id, id)
    );

    create table scene_translations (
      job_id text not null,
      account_id text not null references accounts,
      language text not null,
      blocks jsonb not null,
      primary key (job_id, language),
      foreign key (account_id, job_id) references jobs (account_id, id)
    );

    create table provider_results (
      account_id text not null references accounts,
      key bytea not null,
      result jsonb not null,
      created_at timestamptz not null default clock_now(),
      primary key (account_id, key)
    );

    create table job_steps (
      id bigint generated always as identity primary key,
      job_id text not null,
      account_id text not null references accounts,
      step text not null,
      target text,
      attempt integer not null,
      outcome text not null check (outcome in ('done', 'failed')),
      started_at timestamptz not null,
      finished_at timestamptz not null default clock_now(),
      calls jsonb not null default '[]',
      cache_hits integer not null default 0,
      bytes_read bigint not null default 0,
      bytes_written bigint not null default 0,
      error text,
      foreign key (account_id, job_id) references jobs (account_id, id)
    );
    create index on job_steps (job_id, id);
    """)
    op.execute(tenant("scenes", "select, insert, update, delete"))
    op.execute(tenant("scene_translations", "select, insert, update, delete"))
    op.execute(tenant("provider_results", "select, insert"))
    # The system role sees bought results only to forget those that are too old.
    op.execute("""
    create policy forgotten on provider_results to imangor_system
      using (created_at < clock_now() - interval '30 days') with check (false);
    grant delete on provider_results to imangor_system;
    create index on provider_results (created_at);
    """)
    op.execute(tenant("job_steps", "select, insert"))


def downgrade() -> None:
    """Contract."""
    op.execute("drop table job_steps, provider_results, scene_translations, scenes")
