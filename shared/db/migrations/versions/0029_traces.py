"""The trace that work belongs to, kept with what starts its next part."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    alter table jobs add trace text;
    comment on column jobs.trace is 'traceparent of the request that made the job: the upload joins it.';
    alter table outbox add trace text;
    comment on column outbox.trace is 'traceparent of the work that wrote the row.';
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    alter table jobs drop trace;
    alter table outbox drop trace;
    """)
