"""Exports of whole accounts."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table account_exports (
      id text primary key,
      account_id text not null references accounts,
      created_by text not null,
      user_id text,
      state text not null default 'pending' check (state in ('pending', 'done', 'failed')),
      error text,
      files boolean not null default true,
      bytes bigint,
      sha256 text,
      entries integer,
      omitted integer,
      created_at timestamptz not null default clock_now(),
      finished_at timestamptz,
      expires_at timestamptz,
      check ((state = 'pending') = (finished_at is null)),
      check ((state = 'pending') = (expires_at is null)),
      check ((state = 'done') = (sha256 is not null))
    );
    create unique index account_exports_one on account_exports (account_id) where state = 'pending';
    create index on account_exports (account_id, created_at);
    create index on account_exports (expires_at);
    comment on column account_exports.user_id is 'The person whose sessions are in it.';
    """)
    op.execute(tenant("account_exports", "select, insert, update, delete"))
    # The system role finds what has expired, to erase it.
    op.execute("""
    create policy expired on account_exports for select to imangor_system
      using (expires_at < clock_now())
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table account_exports")
