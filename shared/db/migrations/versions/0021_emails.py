"""E-mails that are to leave, sealed until they have left; welcome credits once a person."""

from alembic import op

from shared.db.migrations.tenancy import crossing, tenant

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table emails (
      id text primary key,
      account_id text not null references accounts,
      kind text not null,
      sealed bytea,
      state text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
      error text,
      created_at timestamptz not null default clock_now(),
      finished_at timestamptz,
      check ((state = 'pending') = (sealed is not null))
    );
    create index on emails (finished_at);
    comment on column emails.sealed is 'Address and contents, until it has left or was given up.';
    create unique index ledger_welcome_once on ledger_transactions (reference)
      where reference like 'welcome:%';
    """)
    op.execute(tenant("emails", "select, insert, update"))
    op.execute(crossing("emails", "select, delete"))


def downgrade() -> None:
    """Contract."""
    op.execute("drop index ledger_welcome_once; drop table emails")
