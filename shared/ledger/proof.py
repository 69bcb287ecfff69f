"""Whether an account's books are right: everything that is kept follows from the entries alone."""

from __future__ import annotations

from shared.db.unit_of_work import UnitOfWork
from shared.ledger.schemas import Finding, Proof

# One statement, so that it sees one moment; whatever it returns is wrong.
_FINDINGS = """
with t as (select * from ledger_transactions where account_id = :account),
e as (select e.*, t.kind, t.job_id, t.target from t join ledger_entries e on e.transaction_id = t.id),
lots as (
  select lot, coalesce(sum(amount) filter (where book = 'available'), 0)::bigint as available,
    coalesce(sum(amount) filter (where book = 'held'), 0)::bigint as held from e group by lot),
b as (select available, held from balances where account_id = :account),
sums as (
  select coalesce(sum(available), 0)::bigint as available, coalesce(sum(held), 0)::bigint as held from lots),
ordered as (
  select t.id, t.amount,
    coalesce(sum(case when t.kind in ('grant', 'adjustment') then -e.amount else e.amount end) filter (
      where e.book = case t.kind when 'hold' then 'held' when 'extension' then 'held'
        when 'capture' then 'spent' when 'release' then 'available' when 'expiry' then 'expired'
        else 'issued' end), 0) as posted
  from t left join e on e.transaction_id = t.id group by t.id, t.amount, t.kind),
held as (
  select job_id, target, sum(amount) as amount from e where book = 'held' group by job_id, target),
settled as (select job_id, target from t where kind in ('capture', 'release'))
select 'transaction' as what, transaction_id::text as which from e
  group by transaction_id, lot having sum(amount) <> 0
union select 'amount', id::text from ordered where amount <> posted
union select 'lot', lot::text from lots full join (select * from credit_lots where account_id = :account) l
    on l.id = lots.lot
  where (coalesce(lots.available, 0), coalesce(lots.held, 0)) is distinct from (l.available, l.held)
    or l.available < 0 or l.held < 0
union select 'balance', cast(:account as text) from sums left join b on true
  where (coalesce(b.available, 0), coalesce(b.held, 0)) is distinct from (sums.available, sums.held)
union select 'hold', held.job_id || '/' || held.target from held left join settled using (job_id, target)
  where amount < 0 or (amount <> 0 and settled.job_id is not null)
order by 1, 2 limit 100
"""
_BALANCE = "select available, held from balances where account_id = :account"


def prove(uow: UnitOfWork) -> Proof:
    """Prove the books of the unit of work's account.

    Every transaction sums to zero in each lot and moved what was ordered; lots and balance are the sums of
    their entries; nothing is held for a target that was settled.
    """
    rows = uow.sql(_FINDINGS, account=uow.account).mappings().all()
    balance = uow.sql(_BALANCE, account=uow.account).first()
    return Proof(
        account=str(uow.account),
        proven=not rows,
        available=0 if balance is None else balance.available,
        held=0 if balance is None else balance.held,
        findings=[Finding.model_validate(dict(row)) for row in rows],
    )
