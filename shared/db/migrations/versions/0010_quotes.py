"""Quotes, and the one job that may come of each."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table quotes (
      id text primary key,
      account_id text not null references accounts,
      created_by text not null,
      medium text not null check (medium in ('picture', 'speech', 'document', 'text')),
      media_type text,
      pages integer,
      seconds double precision,
      characters bigint,
      pixels bigint,
      sha256 text,
      source_language text,
      targets jsonb not null,
      free text[] not null default '{}',
      price_version integer not null,
      created_at timestamptz not null default clock_now(),
      expires_at timestamptz not null
    );
    create index on quotes (expires_at);

    alter table jobs add quote_id text;
    create unique index jobs_once_per_quote on jobs (quote_id) where quote_id is not null;

    create index scenes_by_content on scenes (account_id, (document->'source'->>'sha256'));
    """)
    op.execute(tenant("quotes", "select, insert"))
    # The system role sees quotes only to forget those that expired long ago.
    op.execute("""
    create policy forgotten on quotes to imangor_system
      using (expires_at < clock_now() - interval '7 days') with check (false);
    grant delete on quotes to imangor_system;
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop index scenes_by_content;
    alter table jobs drop quote_id;
    drop table quotes;
    """)
