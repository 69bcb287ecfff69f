"""Prove the ledger: `python -m tools.prove_ledger --database-url URL [ACCOUNT …]`.

Without accounts it proves all; then the URL is of a user that no policy stops from listing them. The exit
status 1 tells that something in the books does not follow from the entries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from sqlalchemy import Engine, create_engine, select

from shared.db.models import balances
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.proof import prove
from shared.ledger.schemas import Proof


def proofs(engine: Engine, accounts: list[str]) -> Iterator[Proof]:
    """The proof of each account, or of all that have credits."""
    if not accounts:
        with UnitOfWork(lambda: engine) as uow:
            query = select(balances.c.account_id).order_by(balances.c.account_id)
            accounts = list(uow.execute(query).scalars())
    for account in accounts:
        with UnitOfWork(lambda: engine, account) as uow:
            yield prove(uow)


def main(argv: list[str] | None = None) -> int:
    """Print what is wrong, and how many accounts were proven; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True, help="postgresql+pg8000://…")
    parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="all without any")
    options = parser.parse_args(argv)
    engine = create_engine(options.database_url)
    done = list(proofs(engine, options.accounts))
    engine.dispose()
    for proof in done:
        for finding in proof.findings:
            print(f"{proof.account}: {finding.what} {finding.which}", file=sys.stderr)
    proven = sum(proof.proven for proof in done)
    print(f"{proven} of {len(done)} accounts proven")
    return 0 if proven == len(done) else 1


if __name__ == "__main__":
    sys.exit(main())
