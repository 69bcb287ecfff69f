"""Which deliveries are under way and which wait for their turn, so that no endpoint takes all workers."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    alter table webhook_deliveries add busy_until timestamptz, add waiting boolean not null default false;
    create index webhook_deliveries_busy on webhook_deliveries (endpoint_id) where busy_until is not null;
    create index webhook_deliveries_waiting on webhook_deliveries (endpoint_id, next_attempt_at)
      where waiting;
    comment on column webhook_deliveries.busy_until is
      'When the lease of the try that is under way runs out.';
    comment on column webhook_deliveries.waiting is
      'Its task came while the endpoint was busy; it begins when another try there has ended.';
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("alter table webhook_deliveries drop busy_until, drop waiting")
