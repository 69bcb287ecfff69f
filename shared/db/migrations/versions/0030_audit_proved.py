"""When an audit chain was last verified as a whole; for that the system sees the platform's chain."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    alter table audit_heads add proved_at timestamptz;
    create index audit_heads_unproved on audit_heads (proved_at nulls first);
    grant update (proved_at) on audit_heads to imangor_system;
    create policy platform_proved on audit_entries for select to imangor_system using (account_id is null);
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop policy platform_proved on audit_entries;
    alter table audit_heads drop proved_at;
    """)
