"""What a caller wants left alone in a picture: areas, and terms that are not translated."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Expand."""
    op.execute("alter table jobs add leave_alone jsonb;")


def downgrade() -> None:
    """Contract."""
    op.execute("alter table jobs drop leave_alone;")
