"""The ledger: double entry, append-only, each move of a target's credit at most once."""

from alembic import op

from shared.db.migrations.tenancy import CURRENT, tenant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table balances (
      account_id text primary key references accounts,
      available bigint not null default 0 constraint balance_covers check (available >= 0),
      held bigint not null default 0 check (held >= 0)
    );

    create table ledger_transactions (
      id bigint generated always as identity primary key,
      account_id text not null references accounts,
      kind text not null check (kind in ('grant', 'hold', 'capture', 'release')),
      job_id text,
      target text,
      reference text,
      created_at timestamptz not null default clock_now(),
      check ((kind = 'grant') = (job_id is null)),
      check ((job_id is null) = (target is null)),
      unique (account_id, id),
      foreign key (account_id, job_id) references jobs (account_id, id)
    );
    create unique index ledger_hold_once on ledger_transactions (job_id, target) where kind = 'hold';
    create unique index ledger_settle_once on ledger_transactions (job_id, target)
      where kind in ('capture', 'release');
    create unique index ledger_reference_once on ledger_transactions (account_id, reference)
      where reference is not null;

    create table ledger_entries (
      transaction_id bigint not null,
      account_id text not null references accounts,
      book text not null check (book in ('issued', 'available', 'held', 'spent')),
      amount bigint not null check (amount <> 0),
      primary key (transaction_id, book),
      foreign key (account_id, transaction_id) references ledger_transactions (account_id, id)
    );

    create function keep_balance() returns trigger language plpgsql
      security definer set search_path = public, pg_temp as $$
    begin
      insert into balances (account_id)
        select distinct account_id from entries order by account_id on conflict do nothing;
      update balances b set available = b.available + e.available, held = b.held + e.held
        from (select account_id,
                coalesce(sum(amount) filter (where book = 'available'), 0) as available,
                coalesce(sum(amount) filter (where book = 'held'), 0) as held
              from entries group by account_id) e
        where b.account_id = e.account_id;
      return null;
    end $$;
    create trigger keep_balance after insert on ledger_entries
      referencing new table as entries for each statement execute function keep_balance();

    create function entries_sum_to_zero() returns trigger language plpgsql as $$
    begin
      if (select sum(amount) from ledger_entries where transaction_id = new.transaction_id)
        is distinct from 0 then
        raise exception 'ledger transaction % does not balance', new.transaction_id using errcode = 'IM002';
      end if;
      return null;
    end $$;
    create constraint trigger entries_sum_to_zero after insert on ledger_entries
      deferrable initially deferred for each row execute function entries_sum_to_zero();
    """)
    op.execute(tenant("balances", "select"))
    # Only entries move a balance: the trigger does it as the tables' owner, under the same account.
    op.execute(f"""
    create policy kept on balances to imangor_owner
      using (account_id = {CURRENT}) with check (account_id = {CURRENT})
    """)
    op.execute(tenant("ledger_transactions", "select, insert"))
    op.execute(tenant("ledger_entries", "select, insert"))


def downgrade() -> None:
    """Contract."""
    op.execute("""
    drop table ledger_entries, ledger_transactions, balances;
    drop function keep_balance(); drop function entries_sum_to_zero();
    """)
