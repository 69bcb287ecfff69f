"""Which accounts are of the platform's own people: a fact that no function can write."""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, tenant

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table platform_admins (
      account_id text primary key references accounts,
      appointed_at timestamptz not null default clock_now()
    )
    """)
    op.execute(tenant("platform_admins", "select"))
    op.execute(f"""
    create policy appointed on platform_admins to imangor_owner
      using (account_id = {CURRENT}) with check (account_id = {CURRENT})
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table platform_admins")
