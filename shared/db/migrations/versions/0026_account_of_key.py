"""Whose a key is, by its id alone: so that its account hears of attempts to sign in with it that failed."""

from alembic import op

revision = "0026"
down_revision = "0025"

# A key's id is no secret, and tells whoever has it no more than the account. The owner, too, sees by it that
# one row, and only within the function.
_WHOSE = """
create policy named on api_keys for select to imangor_owner
  using (id = nullif(current_setting('app.named_key', true), ''));
create function account_of_key(named text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare found_account text;
begin
  perform set_config('app.named_key', named, true);
  select account_id into found_account from api_keys where id = named;
  perform set_config('app.named_key', '', true);
  return found_account;
end $$;
revoke all on function account_of_key(text) from public;
grant execute on function account_of_key(text) to imangor_app, imangor_system;
"""


def upgrade() -> None:
    """Expand."""
    op.execute(_WHOSE)


def downgrade() -> None:
    """Contract."""
    op.execute("drop function account_of_key(text); drop policy named on api_keys")
