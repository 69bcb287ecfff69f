"""Sessions: what a signed-in browser's cookie stands for."""

from alembic import op

from shared.db.migrations.tenancy import PERSON, crossing

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table sessions (
      id text primary key,
      user_id text not null references users,
      digest bytea not null unique,
      name text,
      device text not null,
      network text,
      signed_in_at timestamptz not null,
      created_at timestamptz not null default clock_now(),
      last_seen_at timestamptz not null default clock_now(),
      expires_at timestamptz not null,
      revoked_at timestamptz
    );
    create index on sessions (user_id, created_at);
    create index on sessions (expires_at);
    comment on column sessions.digest is 'SHA-256 of the cookie.';
    comment on column sessions.signed_in_at is 'When the person proved themselves.';
    comment on column sessions.last_seen_at is 'At most some minutes before it was last used.';
    alter table sessions enable row level security;
    alter table sessions force row level security;
    """)
    # Before the person is known, whoever has the cookie sees the session that it is of.
    op.execute(f"""
    create policy own on sessions to imangor_app
      using (user_id = {PERSON}) with check (user_id = {PERSON});
    create policy presented on sessions for select to imangor_app
      using (encode(digest, 'hex') = nullif(current_setting('app.key_hash', true), ''));
    grant select, insert, update (name, last_seen_at, revoked_at) on sessions to imangor_app;
    """)
    op.execute(crossing("sessions", "select, delete"))


def downgrade() -> None:
    """Contract."""
    op.execute("drop table sessions")
