"""Which files a job makes beside the picture in its own format."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Expand."""
    op.execute("alter table jobs add formats text[];")


def downgrade() -> None:
    """Contract."""
    op.execute("alter table jobs drop formats;")
