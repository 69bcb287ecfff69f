"""Endpoints and their secrets in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.db.models import clock_now, webhook_endpoints, webhook_secrets
from shared.db.unit_of_work import UnitOfWork
from shared.webhooks.errors import EndpointExists, EndpointNotFound


@dataclass(frozen=True)
class EndpointRecord:
    """A row of `webhook_endpoints`."""

    id: str
    url: str
    description: str
    types: list[str]
    state: str
    reason: str | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class SecretRecord:
    """A secret that is valid, encrypted."""

    number: int
    sealed: bytes
    expires_at: datetime | None


_p, _s = webhook_endpoints.c, webhook_secrets.c
_ENDPOINT = tuple(_p[field.name] for field in fields(EndpointRecord))
_SECRET = tuple(_s[field.name] for field in fields(SecretRecord))
_THERE = _p.deleted_at.is_(None)


class Endpoints:
    """Those of the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def all(self) -> list[EndpointRecord]:
        """Every endpoint, the oldest first."""
        statement = select(*_ENDPOINT).where(_THERE).order_by(_p.created_at, _p.id)
        return [EndpointRecord(**row._mapping) for row in self._uow.execute(statement)]

    def find(self, endpoint: str, *, lock: bool = False) -> EndpointRecord | None:
        """The endpoint; with `lock`, nobody else changes it before this transaction ends."""
        statement = select(*_ENDPOINT).where(_p.id == endpoint, _THERE)
        row = self._uow.execute(statement.with_for_update(key_share=True) if lock else statement).first()
        return None if row is None else EndpointRecord(**row._mapping)

    def get(self, endpoint: str, *, lock: bool = False) -> EndpointRecord:
        """The endpoint; raises `EndpointNotFound`."""
        found = self.find(endpoint, lock=lock)
        if found is None:
            raise EndpointNotFound()
        return found

    def lock_account(self) -> None:
        """Let nobody else add an endpoint to the account before this transaction ends."""
        self._uow.sql("select id from accounts for no key update")

    def add(self, values: dict[str, Any]) -> EndpointRecord:
        """Insert an endpoint; raises `EndpointExists` when the account has one with this URL."""
        statement = insert(webhook_endpoints).values(account_id=self._uow.account, **values)
        row = self._uow.execute(statement.on_conflict_do_nothing().returning(*_ENDPOINT)).first()
        if row is None:
            raise EndpointExists()
        return EndpointRecord(**row._mapping)

    def has_url(self, url: str, *, but: str) -> bool:
        """Whether another endpoint than `but` has this URL."""
        where = and_(_p.url == url, _p.id != but, _THERE)
        return self._uow.execute(select(_p.id).where(where)).first() is not None

    def change(self, endpoint: str, **values: Any) -> None:
        """Change what customers see of an endpoint."""
        more = {"version": _p.version + 1, "updated_at": clock_now()}
        self._uow.execute(update(webhook_endpoints).where(_p.id == endpoint).values(**values, **more))

    def delete(self, endpoint: str) -> None:
        """Forget an endpoint; its secrets are gone with the next sweep."""
        self.change(endpoint, deleted_at=clock_now())
        self.expire_secrets(endpoint, timedelta())

    def failed(self, endpoint: str) -> timedelta:
        """A try failed; how long there have been failures only."""
        since = func.coalesce(_p.failing_since, clock_now())
        statement = (
            update(webhook_endpoints)
            .where(_p.id == endpoint)
            .values(failing_since=since)
            .returning((clock_now() - _p.failing_since).label("age"))
        )
        age: timedelta = self._uow.execute(statement).scalar_one()
        return age

    def succeeded(self, endpoint: str) -> None:
        """A try succeeded."""
        where = and_(_p.id == endpoint, _p.failing_since.is_not(None))
        self._uow.execute(update(webhook_endpoints).where(where).values(failing_since=None))

    def secrets(self, endpoint: str) -> list[SecretRecord]:
        """The secrets that are valid now, the newest first."""
        valid = or_(_s.expires_at.is_(None), _s.expires_at > clock_now())
        statement = select(*_SECRET).where(_s.endpoint_id == endpoint, valid).order_by(_s.number.desc())
        return [
            SecretRecord(row.number, bytes(row.sealed), row.expires_at)
            for row in self._uow.execute(statement)
        ]

    def add_secret(self, endpoint: str, number: int, sealed: bytes) -> None:
        """Keep one more secret."""
        row = {"endpoint_id": endpoint, "account_id": self._uow.account, "number": number, "sealed": sealed}
        self._uow.execute(insert(webhook_secrets).values(**row))

    def expire_secrets(self, endpoint: str, after: timedelta) -> None:
        """Let the secrets that have no end run out; those that have one keep it, if it is sooner."""
        end = clock_now() + after
        sooner = or_(_s.expires_at.is_(None), _s.expires_at > end)
        where = and_(_s.endpoint_id == endpoint, sooner)
        self._uow.execute(update(webhook_secrets).where(where).values(expires_at=end))
