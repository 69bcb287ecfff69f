"""Data keys, encrypted by a key that the database does not know."""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, crossing, tenant

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table data_keys (
      id uuid primary key,
      account_id text,
      purpose text not null,
      kek text not null,
      wrapped bytea not null,
      wrapped_at timestamptz not null default clock_now(),
      created_at timestamptz not null default clock_now(),
      retired_at timestamptz
    );
    create unique index data_key_current on data_keys (coalesce(account_id, ''), purpose)
      where retired_at is null;
    create index on data_keys (account_id, purpose);
    create index on data_keys (wrapped_at);
    comment on column data_keys.account_id is
      'Without a foreign key: a key is made in a transaction of its own, which may not see the account yet.';
    comment on column data_keys.kek is 'What the key is encrypted by; it knows the version itself.';
    comment on column data_keys.retired_at is 'From then on it encrypts nothing more.';
    """)
    op.execute(tenant("data_keys", "select, insert, delete"))
    op.execute(crossing("data_keys", "select, update (kek, wrapped, wrapped_at, retired_at)"))
    # Keys of what belongs to no account are everybody's to read: without the key service they say nothing.
    op.execute("""
    create policy common_read on data_keys for select to imangor_app using (account_id is null);
    create policy common_made on data_keys for insert to imangor_app with check (account_id is null);
    """)
    # Which signing secrets are still encrypted as they were before there were data keys.
    op.execute(f"""
    create policy earlier on webhook_secrets for select to imangor_system
      using (get_byte(sealed, 0) = 1 and {CURRENT} is null);
    create index webhook_secrets_earlier on webhook_secrets (endpoint_id) where get_byte(sealed, 0) = 1;
    """)


def downgrade() -> None:
    """Contract. What the keys encrypted is lost."""
    op.execute("""
    drop index webhook_secrets_earlier;
    drop policy earlier on webhook_secrets;
    drop table data_keys;
    """)
