"""Which version of the prices a job is billed by."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expand. Jobs from before there were versions were billed by what is the first."""
    op.execute("alter table jobs add price_version integer not null default 1 check (price_version > 0)")


def downgrade() -> None:
    """Contract."""
    op.execute("alter table jobs drop price_version")
