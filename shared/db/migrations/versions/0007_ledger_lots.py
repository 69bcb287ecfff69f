"""Lots of credit: each entry names the grant that it moves, and the database posts the entries itself.

A row of `ledger_transactions` is an order: triggers lock the account's balance, number the transaction, and
write its entries. So nobody can write entries that are not those of a move, and the moves of one account are
numbered in the order in which they commit.
"""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, tenant

revision = "0007"
down_revision = "0006"

_DEFINER = "language plpgsql security definer set search_path = public, pg_temp"
_KEPT = ("ledger_transactions", "ledger_entries", "credit_lots")

_TABLES = """
alter table ledger_transactions
  add amount bigint, add lot bigint, add expires_at timestamptz, add reason text, add actor text,
  add shortfall bigint not null default 0 check (shortfall >= 0);
alter table ledger_entries add lot bigint;
create table credit_lots (
  id bigint primary key,
  account_id text not null references accounts,
  expires_at timestamptz,
  available bigint not null default 0 constraint lot_covers check (available >= 0),
  held bigint not null default 0 check (held >= 0),
  unique (account_id, id),
  foreign key (account_id, id) references ledger_transactions (account_id, id)
);
create index credit_lots_open on credit_lots (account_id) where available > 0;
create index credit_lots_due on credit_lots (expires_at) where available > 0;
create index ledger_job on ledger_transactions (job_id) where job_id is not null;
create index ledger_time on ledger_transactions (account_id, created_at);
create unique index ledger_payment_once on ledger_transactions (reference) where reference like 'payment:%';
"""

# What was granted before there were lots is one lot of each account, that of its first grant.
_FILL = """
with first as (
  select account_id, min(id) as id from ledger_transactions where kind = 'grant' group by account_id)
insert into credit_lots (id, account_id, available, held)
  select f.id, f.account_id, b.available, b.held from first f join balances b using (account_id);
update ledger_entries e set lot = l.id from credit_lots l where l.account_id = e.account_id;
update ledger_transactions t set lot = case when t.kind = 'grant' then l.id end,
  amount = (select sum(e.amount) from ledger_entries e where e.transaction_id = t.id and e.amount > 0)
  from credit_lots l where l.account_id = t.account_id;
"""

_CONSTRAINTS = """
alter table ledger_transactions
  alter amount set not null,
  alter id drop identity,
  drop constraint ledger_transactions_kind_check,
  drop constraint ledger_transactions_check,
  add constraint ledger_transactions_kind_check check (kind in
    ('grant', 'hold', 'extension', 'capture', 'release', 'adjustment', 'refund', 'expiry')),
  add constraint ledger_transactions_check check
    ((kind in ('hold', 'extension', 'capture', 'release')) = (job_id is not null)),
  add constraint ledger_amount check (case when kind in ('grant', 'expiry') then amount > 0
    when kind = 'adjustment' then amount <> 0 else amount >= 0 end),
  add constraint ledger_lot check ((lot is not null) =
    (kind in ('grant', 'refund', 'expiry') or (kind = 'adjustment' and amount > 0))),
  add constraint ledger_adjustment_explained check
    (kind <> 'adjustment' or (reason is not null and actor is not null));
alter table ledger_entries
  alter lot set not null,
  drop constraint ledger_entries_pkey,
  add primary key (transaction_id, lot, book),
  add foreign key (account_id, lot) references credit_lots (account_id, id),
  drop constraint ledger_entries_book_check,
  add constraint ledger_entries_book_check check
    (book in ('issued', 'available', 'held', 'spent', 'expired'));
create sequence ledger_numbers owned by ledger_transactions.id;
select setval('ledger_numbers', coalesce((select max(id) from ledger_transactions), 0) + 1, false);
"""

_LOCK = f"""
create function lock_balance(account text) returns void {_DEFINER} as $$
begin
  perform from balances where account_id = account for update;
  if not found then
    insert into balances (account_id) values (account) on conflict do nothing;
    perform from balances where account_id = account for update;
  end if;
end $$;
comment on function lock_balance is
  'The one lock of an account''s ledger. Whoever also needs a job''s row locks that one first.';
"""

# Each statement in a function sees what was committed before it began: all that follows the lock is current.
_NUMBER = f"""
create function number_transaction() returns trigger {_DEFINER} as $$
declare wanted bigint;
begin
  perform lock_balance(new.account_id);
  new.id := nextval('ledger_numbers');
  if new.kind = 'grant' or (new.kind = 'adjustment' and new.amount > 0) then
    new.lot := new.id;
  elsif new.kind = 'release' or (new.kind = 'capture' and new.amount is null) then
    select coalesce(sum(e.amount), 0) into new.amount
      from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
      where t.job_id = new.job_id and t.target = new.target and e.book = 'held';
  elsif new.kind = 'expiry' then
    select available into new.amount from credit_lots where id = new.lot and expires_at <= clock_now();
  elsif new.kind = 'refund' then
    wanted := new.amount;
    select least(wanted, coalesce(sum(available), 0)) into new.amount from credit_lots
      where account_id = new.account_id and (expires_at is null or expires_at > clock_now());
    new.shortfall := wanted - new.amount;
  end if;
  return new;
end $$;
create trigger number_transaction before insert on ledger_transactions
  for each row execute function number_transaction();
"""

_TAKE = f"""
create function take_credits(taker ledger_transactions, wanted bigint, into_book text) returns void
{_DEFINER} as $$
declare taken bigint;
begin
  with open as (
    select id, available, sum(available) over (
        order by (id is not distinct from taker.lot) desc, expires_at nulls last, id) - available as before
      from credit_lots where account_id = taker.account_id and available > 0
        and (expires_at is null or expires_at > clock_now())),
  parts as (select id, least(available, wanted - before) as part from open where before < wanted),
  posted as (
    insert into ledger_entries (transaction_id, account_id, lot, book, amount)
      select taker.id, taker.account_id, parts.id, e.book, e.sign * part
      from parts, (values ('available', -1), (into_book, 1)) as e (book, sign)
      returning book, amount)
  select coalesce(sum(amount), 0) into taken from posted where book = into_book;
  if taken <> wanted then
    raise exception 'the balance does not cover %', wanted
      using errcode = 'check_violation', constraint = 'balance_covers';
  end if;
end $$;
comment on function take_credits is 'From the lot that the order names, then from what expires soonest.';
"""

_SETTLE = f"""
create function settle_hold(settler ledger_transactions, spent bigint) returns void {_DEFINER} as $$
declare found_held bigint;
begin
  with held as (
    select e.lot, sum(e.amount) as part
      from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
      where t.job_id = settler.job_id and t.target = settler.target and e.book = 'held' group by e.lot),
  ordered as (
    select h.lot, part, sum(part) over (order by l.expires_at nulls last, l.id) - part as before
      from held h join credit_lots l on l.id = h.lot),
  parts as (select lot, part, least(part, greatest(spent - before, 0)) as used from ordered),
  posted as (
    insert into ledger_entries (transaction_id, account_id, lot, book, amount)
      select settler.id, settler.account_id, parts.lot, e.book, e.amount from parts,
        lateral (values ('held', -part), ('spent', used), ('available', part - used)) as e (book, amount)
      where e.amount <> 0 returning book, amount)
  select coalesce(-sum(amount), 0) into found_held from posted where book = 'held';
  if found_held < spent or not exists (select from ledger_transactions
      where kind = 'hold' and job_id = settler.job_id and target = settler.target) then
    raise exception 'more than was held for this target' using errcode = 'IM003';
  end if;
end $$;
comment on function settle_hold is 'Spends what expires soonest; the rest goes back to its lots.';
"""

_EXPIRE = f"""
create function expire_lots(account text) returns bigint {_DEFINER} as $$
declare expired bigint;
begin
  perform lock_balance(account);
  with due as (
    insert into ledger_transactions (account_id, kind, lot)
      select account, 'expiry', id from credit_lots
      where account_id = account and available > 0 and expires_at <= clock_now() order by expires_at, id
      returning amount)
  select coalesce(sum(amount), 0) into expired from due;
  return expired;
end $$;
"""

_POST = f"""
create function post_entries() returns trigger {_DEFINER} as $$
begin
  if new.lot = new.id then
    insert into credit_lots (id, account_id, expires_at) values (new.id, new.account_id, new.expires_at);
    insert into ledger_entries (transaction_id, account_id, lot, book, amount)
      select new.id, new.account_id, new.id, e.book, e.amount
      from (values ('issued', -new.amount), ('available', new.amount)) as e (book, amount);
  elsif new.kind in ('hold', 'extension') then
    if new.kind = 'extension' and (
      not exists (select from ledger_transactions t
        where t.kind = 'hold' and t.job_id = new.job_id and t.target = new.target)
      or exists (select from ledger_transactions t
        where t.kind in ('capture', 'release') and t.job_id = new.job_id and t.target = new.target)) then
      raise exception 'nothing is held for this target' using errcode = 'IM004';
    end if;
    perform take_credits(new, new.amount, 'held');
  elsif new.kind in ('capture', 'release') then
    perform settle_hold(new, case new.kind when 'capture' then new.amount else 0 end);
    perform expire_lots(new.account_id);
  elsif new.kind = 'adjustment' then
    perform take_credits(new, -new.amount, 'issued');
  elsif new.kind = 'refund' then
    if (select sum(case kind when 'grant' then amount else -amount - shortfall end) from ledger_transactions
        where account_id = new.account_id and lot = new.lot and kind in ('grant', 'refund')) < 0 then
      raise exception 'more than was bought' using errcode = 'IM005';
    end if;
    perform take_credits(new, new.amount, 'issued');
  elsif new.kind = 'expiry' then
    insert into ledger_entries (transaction_id, account_id, lot, book, amount)
      select new.id, new.account_id, new.lot, e.book, e.amount
      from (values ('available', -new.amount), ('expired', new.amount)) as e (book, amount);
  end if;
  return null;
end $$;
create trigger post_entries after insert on ledger_transactions
  for each row execute function post_entries();
"""

_KEEP = f"""
create function keep_lots() returns trigger {_DEFINER} as $$
begin
  update credit_lots l set available = l.available + e.available, held = l.held + e.held
    from (select lot, coalesce(sum(amount) filter (where book = 'available'), 0) as available,
            coalesce(sum(amount) filter (where book = 'held'), 0) as held
          from entries group by lot) e
    where l.id = e.lot;
  return null;
end $$;
create trigger keep_lots after insert on ledger_entries
  referencing new table as entries for each statement execute function keep_lots();

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'IM006';
end $$;
create trigger refuse_change before update or delete or truncate on ledger_transactions
  for each statement execute function refuse_change();
create trigger refuse_change before update or delete or truncate on ledger_entries
  for each statement execute function refuse_change();
"""

_FUNCTIONS = (
    "number_transaction()",
    "post_entries()",
    "take_credits(ledger_transactions, bigint, text)",
    "settle_hold(ledger_transactions, bigint)",
    "expire_lots(text)",
    "lock_balance(text)",
    "keep_lots()",
    "refuse_change()",
)


def upgrade() -> None:
    """Expand. Forced row-level security binds the owner, too, except while it fills the new columns."""
    filled = ("balances", "ledger_transactions", "ledger_entries")
    op.execute(_TABLES)
    op.execute("; ".join(f"alter table {table} no force row level security" for table in filled))
    op.execute(_FILL)
    op.execute(_CONSTRAINTS)
    op.execute("; ".join(f"alter table {table} force row level security" for table in filled))
    for step in (_LOCK, _NUMBER, _TAKE, _SETTLE, _EXPIRE, _POST, _KEEP):
        op.execute(step)
    _secure()


def _secure() -> None:
    op.execute(tenant("credit_lots", "select"))
    # Entries and lots are written by the triggers alone, as the tables' owner, under the same account.
    for table in _KEPT:
        op.execute(f"""
        create policy kept on {table} to imangor_owner
          using (account_id = {CURRENT}) with check (account_id = {CURRENT})
        """)
    op.execute("revoke insert on ledger_entries from imangor_app, imangor_system")
    for function in _FUNCTIONS:
        op.execute(f"revoke all on function {function} from public")
    op.execute("grant execute on function expire_lots(text) to imangor_app, imangor_system")
    # The system role finds whose credits are to expire and whose books were not proven for a day.
    op.execute("""
    create policy lapsed on credit_lots for select to imangor_system
      using (available > 0 and expires_at <= clock_now());
    alter table balances add proved_at timestamptz not null default clock_now();
    create index on balances (proved_at);
    create policy unproven on balances for select to imangor_system
      using (proved_at < clock_now() - interval '1 day');
    grant update (proved_at) on balances to imangor_system;
    """)


def downgrade() -> None:
    """Contract. Moves of kinds that were not known before are refused."""
    op.execute("""
    drop trigger refuse_change on ledger_entries;
    drop trigger refuse_change on ledger_transactions;
    drop trigger keep_lots on ledger_entries;
    drop trigger post_entries on ledger_transactions;
    drop trigger number_transaction on ledger_transactions;
    """)
    op.execute("; ".join(f"drop function {function}" for function in _FUNCTIONS))
    op.execute("""
    drop policy unproven on balances;
    alter table balances drop proved_at;
    drop policy kept on ledger_transactions;
    drop policy kept on ledger_entries;
    grant insert on ledger_entries to imangor_app, imangor_system;
    alter table ledger_entries
      drop constraint ledger_entries_pkey,
      drop lot,
      add primary key (transaction_id, book),
      drop constraint ledger_entries_book_check,
      add constraint ledger_entries_book_check check (book in ('issued', 'available', 'held', 'spent'));
    drop table credit_lots;
    drop sequence ledger_numbers;
    drop index ledger_payment_once;
    drop index ledger_time;
    drop index ledger_job;
    alter table ledger_transactions
      drop constraint ledger_adjustment_explained,
      drop constraint ledger_lot,
      drop constraint ledger_amount,
      drop constraint ledger_transactions_check,
      drop constraint ledger_transactions_kind_check,
      drop amount, drop lot, drop expires_at, drop reason, drop actor, drop shortfall,
      alter id add generated always as identity,
      add constraint ledger_transactions_kind_check check
        (kind in ('grant', 'hold', 'capture', 'release')),
      add constraint ledger_transactions_check check ((kind = 'grant') = (job_id is null));
    """)
