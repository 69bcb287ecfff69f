"""Erasing accounts, which closes them first: what is ordered and told of it, and a role of its own for it."""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, PERSON, tenant

revision = "0032"
down_revision = "0031"

_TABLES = """
create table account_erasures (
  id text primary key,
  account_id text not null references accounts,
  receipt_id text not null unique,
  state text not null default 'waiting' check (state in ('waiting', 'cancelled', 'running', 'done')),
  requested_kind text not null,
  requested_by text not null,
  requested_at timestamptz not null default clock_now(),
  due_at timestamptz not null,
  next_at timestamptz,
  cancelled_at timestamptz,
  cancelled_by text,
  closed_at timestamptz,
  finished_at timestamptz,
  sealed bytea,
  rows jsonb not null default '{}',
  objects jsonb not null default '{}',
  people jsonb not null default '{}',
  pending jsonb,
  receipt text,
  check ((state = 'cancelled') = (cancelled_at is not null)),
  check ((state = 'done') = (finished_at is not null)),
  check ((state = 'done') = (receipt is not null)),
  check (state <> 'waiting' or closed_at is null)
);
create unique index account_erasures_one on account_erasures (account_id)
  where state in ('waiting', 'running');
create index on account_erasures (next_at) where next_at is not null;
comment on column account_erasures.receipt_id is 'Whoever knows it reads the receipt; nobody can guess it.';
comment on column account_erasures.sealed is 'Whom to tell when it is done; forgotten then.';
comment on column account_erasures.pending is 'Objects that are being deleted and are not counted yet.';
alter table users add erased_at timestamptz, add erased_by text, add identity_gone_at timestamptz;
create index on users (erased_by) where erased_by is not null;
create index on users (identity_gone_at) where identity_gone_at is not null;
comment on column users.erased_at is
  'Nothing but ids is left; the row stays until every token has ended that would make the person anew.';
create index accounts_closed on accounts (id) where deleted_at is not null;
"""

_CLOSED = """
create function refuse_closed() returns trigger language plpgsql set search_path = pg_catalog, public as $$
begin
  if exists (select from accounts where id = new.account_id and deleted_at is not null) then
    raise exception 'account % is closed', new.account_id using errcode = 'IM040';
  end if;
  return new;
end $$;
comment on function refuse_closed is 'Raises IM040 where something is added to an account that is closed.';

create function close_account() returns trigger language plpgsql set search_path = pg_catalog, public as $$
begin
  if old.deleted_at is not null and new.deleted_at is distinct from old.deleted_at then
    raise exception 'a closed account stays closed' using errcode = 'IM041';
  end if;
  return new;
end $$;
create trigger close_account before update of deleted_at on accounts
  for each row execute function close_account();

create function forget_reason() returns trigger language plpgsql set search_path = pg_catalog, public as $$
begin
  if to_jsonb(new) - 'reason' = to_jsonb(old) - 'reason' and new.reason = 'erased'
      and exists (select from accounts where id = new.account_id and deleted_at is not null) then
    return new;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = 'IM006';
end $$;
comment on function forget_reason is
  'Of a transaction nothing changes but that of a closed account forgets what somebody wrote as its reason.';
drop trigger refuse_change on ledger_transactions;
create trigger refuse_change before delete or truncate on ledger_transactions
  for each statement execute function refuse_change();
create trigger forget_reason before update on ledger_transactions
  for each row execute function forget_reason();
"""

# An ID token is good for an hour, and would make somebody anew whose row is gone.
_FORGET = """
create policy gone on users to imangor_owner
  using (identity_gone_at < clock_now() - interval '2 hours') with check (false);
create function forget_erased_people() returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare gone text;
begin
  for gone in select id from users where identity_gone_at < clock_now() - interval '2 hours' limit 100 loop
    begin
      delete from users where id = gone;
    exception when foreign_key_violation then
      null; -- somebody became a member in the moment in which they were erased
    end;
  end loop;
end $$;
revoke all on function forget_erased_people() from public;
grant execute on function forget_erased_people() to imangor_system;
"""

_SINGLE = f"""
grant update (deleted_at, name, location, default_source, default_targets, plan, daily_limit, monthly_limit)
  on accounts to imangor_eraser;
grant update (reason) on ledger_transactions to imangor_eraser;
grant update on users to imangor_eraser;
grant delete on sessions to imangor_eraser;
create policy erased on users for select to imangor_eraser
  using (erased_by in (select id from account_erasures where account_id = {CURRENT}));
create policy erased on oauth_grants to imangor_eraser
  using (user_id = {PERSON}) with check (false);
create policy erased on invitations to imangor_eraser
  using (accepted_by = {PERSON}) with check (false);
create policy erased on dead_letters to imangor_eraser
  using (account_id = {CURRENT}) with check (false);
grant select on dead_letters to imangor_eraser;
create policy presented on account_erasures for select to imangor_app
  using (receipt_id = nullif(current_setting('app.key_hash', true), ''));
create policy due on account_erasures to imangor_system
  using (next_at < clock_now()) with check (true);
grant update (next_at) on account_erasures to imangor_system;
"""


def upgrade() -> None:
    """Expand."""
    op.execute(_TABLES)
    op.execute(_CLOSED)
    op.execute(tenant("account_erasures", "select"))
    op.execute("grant insert, update on account_erasures to imangor_app")
    op.execute(_SINGLE)
    op.execute(_FORGET)


def downgrade() -> None:
    """Contract. Erasures and their receipts are lost; accounts that are closed stay so."""
    op.execute("""
    revoke all on accounts, ledger_transactions, users, sessions, dead_letters from imangor_eraser;
    drop policy erased on users;
    drop policy erased on oauth_grants;
    drop policy erased on invitations;
    drop policy erased on dead_letters;
    drop policy gone on users;
    drop function forget_erased_people();
    drop trigger forget_reason on ledger_transactions;
    drop trigger refuse_change on ledger_transactions;
    create trigger refuse_change before update or delete or truncate on ledger_transactions
      for each statement execute function refuse_change();
    drop trigger close_account on accounts;
    drop function refuse_closed(), close_account(), forget_reason();
    drop index accounts_closed;
    alter table users drop erased_at, drop erased_by, drop identity_gone_at;
    drop table account_erasures;
    """)
