"""Accounts, API keys, and the clock that every comparison of times uses."""

from alembic import op

from shared.db.migrations.tenancy import crossing, tenant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Expand."""
    op.execute("grant usage on schema public to imangor_app, imangor_system")
    op.execute("""
    create function clock_now() returns timestamptz language sql stable
      as $$ select statement_timestamp() $$;
    comment on function clock_now() is
      'The time that leases, deadlines and expiries are compared with. Tests move it.';

    create table accounts (
      id text primary key,
      name text not null,
      location text not null default 'global' check (location in ('global', 'eu', 'us')),
      created_at timestamptz not null default clock_now(),
      deleted_at timestamptz
    );

    create table api_keys (
      id text primary key,
      account_id text not null references accounts,
      name text not null,
      hint text not null,
      hash bytea not null unique,
      scopes text[] not null,
      created_at timestamptz not null default clock_now(),
      expires_at timestamptz,
      revoked_at timestamptz
    );
    create index on api_keys (account_id);
    """)
    op.execute(tenant("accounts", "select, insert, update", column="id"))
    op.execute(tenant("api_keys", "select, insert, update"))
    op.execute(crossing("api_keys", "select, update"))
    # Before the account is known, a caller sees exactly the row whose hash it presents.
    op.execute("""
    create policy presented on api_keys for select to imangor_app
      using (encode(hash, 'hex') = nullif(current_setting('app.key_hash', true), ''))
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table api_keys, accounts; drop function clock_now()")
