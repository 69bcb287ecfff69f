"""What an account may set for all of its jobs, and how many pages a job's picture has."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    alter table accounts
      add retention_days integer not null default 30 check (retention_days between 1 and 365),
      add default_source text,
      add default_targets text[] not null default '{}',
      add version integer not null default 1;
    alter table jobs add pages integer check (pages > 0);
    create index jobs_by_time on jobs (account_id, created_at);
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop index jobs_by_time;
    alter table jobs drop pages;
    alter table accounts drop retention_days, drop default_source, drop default_targets, drop version;
    """)
