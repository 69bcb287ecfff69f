"""Self-tests: the product tried from end to end with a card of its own, and what came of it."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table selftests (
      id text primary key,
      state text not null default 'requested' check (state in ('requested', 'running', 'passed', 'failed')),
      job_id text,
      requested_at timestamptz not null default clock_now(),
      started_at timestamptz,
      finished_at timestamptz,
      fault text check (fault in ('broken', 'poor', 'slow')),
      stage text,
      error text,
      quality jsonb,
      milliseconds jsonb not null default '{}',
      check ((state = 'failed') = (fault is not null)),
      check ((state in ('passed', 'failed')) = (finished_at is not null))
    );
    create unique index selftests_one_at_a_time on selftests ((true)) where finished_at is null;
    create index on selftests (requested_at);
    comment on table selftests is 'Of the deployment, not of any account.';
    grant select on selftests to imangor_app;
    grant select, insert, update, delete on selftests to imangor_system;
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table selftests")
