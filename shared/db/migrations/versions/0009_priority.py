"""How soon a job is done: its account's plan, its own priority, and the queue that its tasks go through."""

from alembic import op

revision = "0009"
down_revision = "0008"

_PRIORITIES = "('interactive', 'standard', 'bulk')"


def upgrade() -> None:
    """Expand."""
    op.execute(f"""
    alter table accounts add plan text not null default 'standard'
      check (plan in ('economy', 'standard', 'premium'));
    alter table jobs add priority text not null default 'standard' check (priority in {_PRIORITIES});
    alter table outbox add priority text check (priority in {_PRIORITIES});
    create index jobs_children on jobs (account_id, parent_id) where parent_id is not null;
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop index jobs_children;
    alter table outbox drop priority; alter table jobs drop priority; alter table accounts drop plan;
    """)
