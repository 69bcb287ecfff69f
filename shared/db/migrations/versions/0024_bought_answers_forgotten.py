"""What a job bought is forgotten with the job."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    grant delete on provider_results to imangor_app;
    create index provider_results_bought_by on provider_results (account_id, bought_by);
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop index provider_results_bought_by;
    revoke delete on provider_results from imangor_app;
    """)
