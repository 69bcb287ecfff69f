"""Which job bought a result, so that a target for which nothing was bought can be free."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Expand. Of a scene from before nobody knows, so it counts as bought."""
    op.execute("""
    alter table provider_results add bought_by text;
    alter table scenes add bought boolean not null default true;
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("alter table scenes drop bought; alter table provider_results drop bought_by")
