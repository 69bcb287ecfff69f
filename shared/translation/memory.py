"""Bought results: what a provider answered to an account is not bought again while it is kept, 30 days.

Answers hold the texts of the job that bought them, and so are forgotten with its media.

The key covers everything that shapes the answer: the content, engine, model, location and settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shared.db.models import jobs, provider_results
from shared.db.unit_of_work import UnitOfWork
from shared.providers.vision import ENGINE


def result_key(engine: str, location: str, content: str, **settings: str | int | None) -> bytes:
    """The key of one answer: SHA-256 over a canonical writing of all that shapes it."""
    parts = {"engine": engine, "location": location, "content": content, "settings": settings}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).digest()


def recognition_key(location: str, sha256: str, hint: str | None, page: int = 0) -> bytes:
    """The key of what was read on a page of a picture, by the hash of the source's bytes."""
    return result_key(ENGINE, location, sha256, hint=hint, page=page)


def bought(uow: UnitOfWork, keys: list[bytes]) -> dict[bytes, Any]:
    """The answers that the account already has, by key."""
    if not keys:
        return {}
    query = select(provider_results.c.key, provider_results.c.result).where(provider_results.c.key.in_(keys))
    return {bytes(row.key): row.result for row in uow.execute(query)}


_BOUGHT_FOR = """
with recursive line (id, parent_id) as (
  select id, parent_id from jobs where id = :job
  union select j.id, j.parent_id from jobs j join line on j.id = line.parent_id)
select exists (select from provider_results r join line on r.bought_by = line.id where r.key = any(:keys))
"""


def bought_for(uow: UnitOfWork, keys: list[bytes], job: str) -> bool:
    """Whether this job, or one that it retries, bought any of the answers."""
    return bool(keys) and bool(uow.sql(_BOUGHT_FOR, keys=keys, job=job).scalar_one())


def forget(uow: UnitOfWork, job: str) -> None:
    """Forget the answers that a job bought."""
    uow.execute(delete(provider_results).where(provider_results.c.bought_by == job))


def keep(uow: UnitOfWork, results: Mapping[bytes, Any], job: str | None = None) -> None:
    """Remember answers that `job` bought; one that is there stays. Those of a deleted job are not kept."""
    if not results or _deleted(uow, job):
        return
    # Sorted, so that two workers that keep the same answers lock them in the same order.
    rows = [
        {"account_id": uow.account, "key": key, "result": result, "bought_by": job}
        for key, result in sorted(results.items())
    ]
    uow.execute(insert(provider_results).values(rows).on_conflict_do_nothing())


def _deleted(uow: UnitOfWork, job: str | None) -> bool:
    """Whether the job was deleted while a worker was buying for it."""
    gone = select(jobs.c.id).where(jobs.c.id == job, jobs.c.deleted_at.is_not(None))
    return job is not None and uow.execute(gone).first() is not None
