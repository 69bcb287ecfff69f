"""Verify audit logs: `python -m tools.verify_audit --database-url URL [--anchors FILE] [CHAIN …]`.

A chain is an account's id, or `platform`; without any it verifies all, and then the URL is of a user that
no policy stops from listing them. `--anchors` are heads that were published: lines of JSON with `chain`,
`number` and `hash`, or log entries that hold such an object as `audit_head`. With `--export FILE` it verifies
a file of GET /v1/account/audit/export (JSON Lines, without filters) and needs no database. The exit status 1
tells that something was edited, removed, reordered, forged or cut off.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from shared.audit.chain import PLATFORM, Mark, flaws
from shared.audit.entries import link
from shared.audit.schemas import AuditEntry, AuditProof
from shared.audit.verification import MOST_FLAWS, proof, verify
from shared.db.unit_of_work import UnitOfWork

Published = dict[str, list[Mark]]


def published(path: Path | None) -> Published:
    """The heads in a file, by chain."""
    found: Published = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines() if path else ():
        head = _head(json.loads(line))
        found[head["chain"]].append(Mark(int(head["number"]), bytes.fromhex(head["hash"])))
    return found


def _head(entry: dict[str, Any]) -> dict[str, Any]:
    entry = entry.get("jsonPayload", entry)
    head: dict[str, Any] = entry.get("audit_head", entry)
    return head


def proofs(engine: Engine, chains: list[str], anchors: Published) -> Iterator[AuditProof]:
    """The proof of each chain, or of all."""
    if not chains:
        with UnitOfWork(lambda: engine) as uow:
            listed = "select chain from audit_heads union select chain from audit_entries order by 1"
            chains = list(uow.sql(listed).scalars())
    chains = [*chains, *(chain for chain in anchors if chain not in chains)]
    for chain in chains:
        account = None if chain == PLATFORM else chain
        open_uow: Callable[[], UnitOfWork] = partial(UnitOfWork, lambda: engine, account)
        yield verify(open_uow, chain, anchors.get(chain, []))


def proof_of_file(path: Path, anchors: Published) -> AuditProof:
    """The proof of an export: that it is one chain from its first entry on, and passes what was published."""
    with path.open(encoding="utf-8") as lines:
        links = [link(AuditEntry.model_validate_json(line)) for line in lines]
    if not links:
        raise SystemExit("the file is empty; every export ends with the entry that records it")
    last = links[-1]
    own = [mark for mark in anchors.get(last.chain, []) if mark.number <= last.number]
    found = list(islice(flaws(links, Mark(last.number, last.hash), own), MOST_FLAWS))
    return proof(last.chain, len(links), max((mark.number for mark in own), default=0), found)


def main(argv: list[str] | None = None) -> int:
    """Print what is wrong, and how many chains were proven; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--database-url", help="postgresql+pg8000://…")
    source.add_argument("--export", type=Path, metavar="FILE", help="an export as JSON Lines")
    parser.add_argument("--anchors", type=Path, metavar="FILE", help="published heads")
    parser.add_argument("chains", nargs="*", metavar="CHAIN", help="all without any")
    options = parser.parse_args(argv)
    anchors = published(options.anchors)
    if options.export:
        done = [proof_of_file(options.export, anchors)]
    else:
        engine = create_engine(options.database_url)
        done = list(proofs(engine, options.chains, anchors))
        engine.dispose()
    for each in done:
        for flaw in each.flaws:
            print(f"{each.chain}: {flaw.what} {flaw.entry}", file=sys.stderr)
    proven = sum(each.proven for each in done)
    print(f"{proven} of {len(done)} chains proven, {sum(each.entries for each in done)} entries")
    return 0 if proven == len(done) else 1


if __name__ == "__main__":
    sys.exit(main())
