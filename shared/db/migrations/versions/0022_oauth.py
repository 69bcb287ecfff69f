"""What people let clients do for them: one-time codes, and refresh tokens that are good once."""

from alembic import op

from shared.db.migrations.tenancy import crossing, tenant

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table oauth_grants (
      id text primary key,
      account_id text not null references accounts,
      user_id text not null references users,
      client_id text not null,
      redirect_uri text not null,
      challenge text not null,
      scopes text[] not null,
      session_id text,
      code_hash bytea not null unique,
      code_expires_at timestamptz not null,
      redeemed_at timestamptz,
      family_hash bytea unique,
      secret_hash bytea,
      refreshed_at timestamptz,
      created_at timestamptz not null default clock_now(),
      expires_at timestamptz not null,
      revoked_at timestamptz,
      check ((redeemed_at is null) = (family_hash is null)),
      check ((family_hash is null) = (secret_hash is null))
    );
    create index on oauth_grants (account_id, user_id);
    create index on oauth_grants (expires_at);
    comment on column oauth_grants.challenge is 'SHA-256 of the verifier, as RFC 7636 writes it.';
    comment on column oauth_grants.family_hash is 'Of what all refresh tokens of this grant begin with.';
    comment on column oauth_grants.secret_hash is 'Of the rest of the one refresh token that is good.';
    """)
    op.execute(tenant("oauth_grants", "select, insert, update"))
    op.execute(crossing("oauth_grants", "select, delete"))
    # Before the account is known, whoever has a code or refresh token sees the grant that it is of.
    op.execute("""
    create policy presented on oauth_grants for select to imangor_app using (
      encode(code_hash, 'hex') = nullif(current_setting('app.key_hash', true), '')
      or encode(family_hash, 'hex') = nullif(current_setting('app.key_hash', true), ''))
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("drop table oauth_grants")
