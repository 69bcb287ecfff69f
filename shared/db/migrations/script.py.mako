"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
phase = "expand"  # or "contract": takes away what the version before still uses


def upgrade() -> None:
    """Expand."""
    ${upgrades if upgrades else "op.execute('')"}


def downgrade() -> None:
    """Contract."""
    ${downgrades if downgrades else "op.execute('')"}
