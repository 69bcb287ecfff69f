"""The audit log: append-only, a hash chain for each account and one for what belongs to none."""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, crossing, tenant

revision = "0020"
down_revision = "0019"

_DEFINER = "language plpgsql security definer set search_path = public, pg_temp"

_TABLES = """
create table audit_heads (
  chain text generated always as (coalesce(account_id, 'platform')) stored primary key,
  account_id text references accounts,
  number bigint not null default 0 check (number >= 0),
  hash bytea not null default '',
  anchored bigint not null default 0 check (anchored between 0 and number),
  anchored_at timestamptz
);
create index audit_heads_grown on audit_heads (anchored_at nulls first) where anchored < number;
comment on column audit_heads.anchored is 'How far the chain was when its head was last published.';

create table audit_entries (
  chain text generated always as (coalesce(account_id, 'platform')) stored,
  number bigint not null,
  account_id text references accounts,
  at timestamptz not null,
  actor_kind text not null
    check (actor_kind in ('key', 'user', 'token', 'trial', 'admin', 'system', 'anonymous')),
  actor text not null,
  action text not null,
  target text,
  address text,
  request text,
  facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object' and length(facts::text) <= 4000),
  previous bytea not null,
  hash bytea not null,
  primary key (chain, number)
);
create index on audit_entries (chain, action, number);
create index on audit_entries (chain, at);
comment on column audit_entries.address is 'The network of the caller, not its whole address.';
"""

# Generated columns are computed after BEFORE triggers: the chain's name is put together once more here.
_CHAIN = f"""
create function chain_entry() returns trigger {_DEFINER} as $$
declare name text := coalesce(new.account_id, 'platform'); head audit_heads;
begin
  select * into head from audit_heads where chain = name for update;
  if not found then
    insert into audit_heads (account_id) values (new.account_id) on conflict (chain) do nothing;
    select * into head from audit_heads where chain = name for update;
  end if;
  new.number := head.number + 1;
  new.at := clock_now();
  new.previous := head.hash;
  new.hash := sha256(head.hash || convert_to(jsonb_build_array(
    name, new.number, to_char(new.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), new.actor_kind,
    new.actor, new.action, new.target, new.address, new.request, new.facts)::text, 'UTF8'));
  update audit_heads set number = new.number, hash = new.hash where chain = name;
  return new;
end $$;
comment on function chain_entry is
  'Numbers and chains an entry under the lock of its chain''s head, which is held until the commit.';
create trigger chain_entry before insert on audit_entries for each row execute function chain_entry();

create function only_grow() returns trigger language plpgsql as $$
begin
  if (new.number, new.hash) is distinct from (old.number, old.hash) and new.number <> old.number + 1 then
    raise exception 'a chain grows by one entry at a time' using errcode = 'IM006';
  end if;
  return new;
end $$;
create trigger only_grow before update on audit_heads for each row execute function only_grow();
create trigger refuse_change before delete or truncate on audit_heads
  for each statement execute function refuse_change();
create trigger refuse_change before update or delete or truncate on audit_entries
  for each statement execute function refuse_change();
"""

# What stands in the platform's chain is read by the platform's own people alone, and written by everybody.
_ADMIN = f"account_id is null and exists (select from platform_admins where account_id = {CURRENT})"


def upgrade() -> None:
    """Expand."""
    op.execute(_TABLES)
    op.execute(_CHAIN)
    op.execute(tenant("audit_entries", "select, insert"))
    op.execute(tenant("audit_heads", "select"))
    op.execute(crossing("audit_heads", "select, update (anchored, anchored_at)"))
    op.execute(f"""
    create policy platform_written on audit_entries for insert to imangor_app, imangor_system
      with check (account_id is null);
    create policy platform_read on audit_entries for select to imangor_app using ({_ADMIN});
    create policy platform_read on audit_heads for select to imangor_app using ({_ADMIN});
    create policy kept on audit_heads to imangor_owner
      using (account_id is null or account_id = {CURRENT})
      with check (account_id is null or account_id = {CURRENT});
    revoke all on function chain_entry() from public;
    revoke all on function only_grow() from public;
    """)


def downgrade() -> None:
    """Contract. The log is lost."""
    op.execute(
        "drop table audit_entries, audit_heads; drop function chain_entry(); drop function only_grow()"
    )
