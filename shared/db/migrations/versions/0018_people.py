"""People, the accounts that they belong to, and invitations; and idempotency keys of people without any."""

from alembic import op

from shared.db.migrations.tenancy import IDENTITY, PERSON, crossing, members, tenant

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table users (
      id text primary key,
      identity text not null unique,
      email bytea,
      email_hash bytea,
      email_verified boolean not null default false,
      name bytea,
      profile_hash bytea not null,
      profile_at timestamptz not null,
      created_at timestamptz not null default clock_now(),
      disabled_at timestamptz,
      tokens_valid_after timestamptz
    );
    create index on users (email_hash);
    comment on column users.identity is 'Who this is to the identity service.';
    comment on column users.profile_hash is 'Tells whether address or name changed, without opening them.';
    comment on column users.profile_at is 'When the token was issued that address and name are from.';
    comment on column users.tokens_valid_after is 'Who signed in before this must sign in again.';

    create table memberships (
      account_id text not null references accounts,
      user_id text not null references users,
      role text not null check (role in ('viewer', 'editor', 'owner')),
      joined_at timestamptz not null default clock_now(),
      primary key (account_id, user_id)
    );
    create index on memberships (user_id);

    create table invitations (
      id text primary key,
      account_id text not null references accounts,
      email bytea not null,
      email_hash bytea not null,
      role text not null check (role in ('viewer', 'editor', 'owner')),
      token_hash bytea not null unique,
      created_by text not null,
      created_at timestamptz not null default clock_now(),
      expires_at timestamptz not null,
      accepted_at timestamptz,
      accepted_by text references users,
      revoked_at timestamptz,
      check ((accepted_at is null) = (accepted_by is null)),
      check (accepted_at is null or revoked_at is null)
    );
    create unique index invitations_open on invitations (account_id, email_hash)
      where accepted_at is null and revoked_at is null;
    create index on invitations (expires_at);
    """)
    op.execute(_KEEP_AN_OWNER)
    op.execute(tenant("memberships", "select, insert, update, delete"))
    op.execute(crossing("memberships", "select"))
    op.execute(tenant("invitations", "select, insert, update"))
    op.execute(crossing("invitations", "select, delete"))
    op.execute(f"""
    alter table users enable row level security;
    alter table users force row level security;
    create policy own on users to imangor_app, imangor_system
      using (id = {PERSON} or identity = {IDENTITY}) with check (id = {PERSON} or identity = {IDENTITY});
    create policy members on users for select to imangor_app, imangor_system using (id in {members()});
    grant select, insert on users to imangor_app, imangor_system;
    grant update (email, email_hash, email_verified, name, profile_hash, profile_at, tokens_valid_after)
      on users to imangor_app;
    create policy own on memberships for select to imangor_app, imangor_system using (user_id = {PERSON});
    create policy joined on accounts for select to imangor_app, imangor_system
      using (id in (select account_id from memberships where user_id = {PERSON}));
    create policy joined on platform_admins for select to imangor_app, imangor_system
      using (account_id in (select account_id from memberships where user_id = {PERSON}));
    -- Before the account is known, whoever has an invitation's token sees that invitation.
    create policy presented on invitations for select to imangor_app
      using (encode(token_hash, 'hex') = nullif(current_setting('app.key_hash', true), ''));

    alter table idempotency_keys alter account_id drop not null;
    create policy own on idempotency_keys to imangor_app, imangor_system
      using (account_id is null and principal = {PERSON})
      with check (account_id is null and principal = {PERSON});
    """)
    op.execute(crossing("users", "update"))


# The lock makes two owners who leave at once come one after the other. The count is a statement of its own,
# so that it sees what the one before has committed.
_KEEP_AN_OWNER = """
create function keep_an_owner() returns trigger language plpgsql set search_path = pg_catalog, public as $$
declare closed timestamptz;
begin
  if old.role <> 'owner' or (tg_op = 'UPDATE' and new.role = 'owner' and new.user_id = old.user_id
      and new.account_id = old.account_id) then
    return case tg_op when 'DELETE' then old else new end;
  end if;
  select deleted_at into closed from accounts where id = old.account_id for no key update;
  if not found then
    raise exception 'an owner leaves an account that is not the current one' using errcode = '42501';
  end if;
  if closed is null and not exists (
      select from memberships m join users u on u.id = m.user_id
      where m.account_id = old.account_id and m.role = 'owner' and m.user_id <> old.user_id
        and u.disabled_at is null) then
    raise exception 'the last owner of an account stays' using errcode = 'IM030';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
comment on function keep_an_owner is
  'Raises IM030 where an open account would be left without an owner who may sign in.';
create trigger keep_an_owner before update or delete on memberships
  for each row execute function keep_an_owner();
"""


def downgrade() -> None:
    """Contract."""
    op.execute("""
    delete from idempotency_keys where account_id is null;
    drop policy own on idempotency_keys;
    alter table idempotency_keys alter account_id set not null;
    drop policy joined on accounts;
    drop policy joined on platform_admins;
    drop table invitations, memberships, users;
    drop function keep_an_owner();
    """)
