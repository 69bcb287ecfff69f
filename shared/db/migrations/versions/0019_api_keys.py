"""API keys: who made them and for what, rotation with an overlap, a rate of their own, and their last use."""

from alembic import op

revision = "0019"
down_revision = "0018"

# Whoever presents a key may present its hash under each pepper that is in use.
_PRESENTED = """
drop policy presented on api_keys;
create policy presented on api_keys for select to imangor_app using (
  encode(hash, 'hex') = any (string_to_array(current_setting('app.key_hash', true), ','))
  or encode(previous_hash, 'hex') = any (string_to_array(current_setting('app.key_hash', true), ',')));
"""


def upgrade() -> None:
    """Expand."""
    op.execute("""
    alter table api_keys
      add kind text not null default 'live' check (kind in ('live', 'test')),
      add created_by text,
      add version integer not null default 1,
      add rate_limit integer check (rate_limit > 0),
      add last_used_at timestamptz,
      add pepper bytea,
      add previous_hash bytea unique,
      add previous_pepper bytea,
      add previous_hint text,
      add previous_until timestamptz,
      add constraint api_keys_test_spends_nothing
        check (kind = 'live' or coalesce(daily_limit, 1) + coalesce(monthly_limit, 1) = 0),
      add constraint api_keys_previous check ((previous_hash is null) = (previous_until is null));
    comment on column api_keys.pepper is 'The mark of the pepper of the hash, where it is known.';
    comment on column api_keys.previous_hash is 'Of the secret before the last rotation.';
    """)
    op.execute(_PRESENTED)


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop policy presented on api_keys;
    create policy presented on api_keys for select to imangor_app
      using (encode(hash, 'hex') = nullif(current_setting('app.key_hash', true), ''));
    alter table api_keys
      drop kind, drop created_by, drop version, drop rate_limit, drop last_used_at, drop pepper,
      drop previous_hash, drop previous_pepper, drop previous_hint, drop previous_until;
    """)
