"""What was spent by whom on which day, and the limits of it, kept by the database with every move of credits.

A job's credits count for the key that ordered it, on the UTC day on which it was accepted. The balance's lock
is taken before (see `lock_balance`), so of two jobs that reach for the last credits under a limit one waits
for the other, and counts it.
"""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, tenant

revision = "0013"
down_revision = "0012"

_FILLED = ("jobs", "ledger_transactions", "ledger_entries")

_TABLES = """
alter table accounts
  add daily_limit bigint check (daily_limit >= 0), add monthly_limit bigint check (monthly_limit >= 0);
alter table api_keys
  add daily_limit bigint check (daily_limit >= 0), add monthly_limit bigint check (monthly_limit >= 0);
create table spending (
  account_id text not null references accounts,
  day date not null,
  spender text not null,
  credits bigint not null,
  primary key (account_id, day, spender)
);
create index jobs_of_inbox on jobs (account_id, created_at) where origin = 'inbox';
create index jobs_of_inbox_object on jobs (source_object, created_at) where origin = 'inbox';
"""

_SPENT = """
select e.account_id, (j.created_at at time zone 'UTC')::date as day, j.created_by, -sum(e.amount) as credits
from {entries} e join ledger_transactions t on t.id = e.transaction_id join jobs j on j.id = t.job_id
where e.book = 'available' group by 1, 2, 3
"""

# Each statement sees what was committed before it began: all that follows the balance's lock is current.
_KEEP = f"""
create function keep_spending() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare spent record;
begin
  for spent in {_SPENT.format(entries="entries")} loop
    insert into spending as s (account_id, day, spender, credits)
      values (spent.account_id, spent.day, spent.created_by, spent.credits)
      on conflict (account_id, day, spender) do update set credits = s.credits + excluded.credits;
    if spent.credits > 0 then
      perform refuse_overspending(spent.account_id, spent.day, spent.created_by);
    end if;
  end loop;
  return null;
end $$;
create trigger keep_spending after insert on ledger_entries
  referencing new table as entries for each statement execute function keep_spending();
"""

_REFUSE = """
create function refuse_overspending(account text, today date, who text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare broken record;
begin
  with limits (whose, period, most) as (
    select 'account', v.period, v.most from accounts a,
      lateral (values ('day', a.daily_limit), ('month', a.monthly_limit)) as v (period, most)
      where a.id = account
    union all
    select 'key', v.period, v.most from api_keys k,
      lateral (values ('day', k.daily_limit), ('month', k.monthly_limit)) as v (period, most)
      where k.account_id = account and k.id = who)
  select whose, period, most, date_trunc(period, today::timestamp) as began into broken from limits
    where most is not null and most < (
      select sum(credits) from spending s where s.account_id = account
        and s.day >= date_trunc(period, today::timestamp)::date
        and s.day < (date_trunc(period, today::timestamp) + ('1 ' || period)::interval)::date
        and (whose = 'account' or s.spender = who))
    order by whose, period desc limit 1;
  if found then
    raise exception 'the limit of a % is reached', broken.period using errcode = 'IM020',
      detail = json_build_object('whose', broken.whose, 'period', broken.period, 'limit', broken.most,
        'who', case broken.whose when 'key' then who else account end, 'began', broken.began::date,
        'seconds', ceil(extract(epoch from
          (broken.began + ('1 ' || broken.period)::interval) at time zone 'UTC' - clock_now())));
  end if;
end $$;
comment on function refuse_overspending is
  'Raises IM020 where what was spent is more than a limit of the account, or of the key that spends.';
"""


def upgrade() -> None:
    """Expand. Forced row-level security binds the owner, too, except while it fills the table."""
    op.execute(_TABLES)
    op.execute("; ".join(f"alter table {table} no force row level security" for table in _FILLED))
    op.execute("insert into spending " + _SPENT.format(entries="ledger_entries"))
    op.execute("; ".join(f"alter table {table} force row level security" for table in _FILLED))
    op.execute(_REFUSE)
    op.execute(_KEEP)
    op.execute(tenant("spending", "select"))
    # The triggers read and write as the tables' owner, under the same account.
    for table, verb, column in (
        ("spending", "all", "account_id"),
        ("jobs", "select", "account_id"),
        ("accounts", "select", "id"),
        ("api_keys", "select", "account_id"),
    ):
        op.execute(f"create policy kept on {table} for {verb} to imangor_owner using ({column} = {CURRENT})")
    op.execute("revoke all on function keep_spending(), refuse_overspending(text, date, text) from public")


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop trigger keep_spending on ledger_entries;
    drop function keep_spending(), refuse_overspending(text, date, text);
    drop policy kept on jobs; drop policy kept on accounts; drop policy kept on api_keys;
    drop index jobs_of_inbox, jobs_of_inbox_object;
    drop table spending;
    alter table api_keys drop daily_limit, drop monthly_limit;
    alter table accounts drop daily_limit, drop monthly_limit;
    """)
