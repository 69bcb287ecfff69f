"""Exports in the database, and what owners do with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.principal import Principal
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.db.errors import violated
from shared.db.models import account_exports, clock_now
from shared.db.unit_of_work import UnitOfWork
from shared.privacy.errors import ExportNotFound, ExportNotReady, ExportUnderWay, TooManyExports
from shared.privacy.messages import EXPORT, ExportAccount
from shared.privacy.schemas import CreateExport, Export, ExportFile, ExportList
from shared.storage.gcs import Storage

KEPT: Final = timedelta(days=7)
"""After so long an export is erased."""
URL_LIFETIME: Final = timedelta(minutes=10)
MOST: Final = 5
"""Exports that an account has at a time."""
MEDIA_TYPE: Final = "application/zip"

_e = account_exports.c
_SHOWN: Final = tuple(_e[name] for name in Export.model_fields)


def export_object(account: str, export: str) -> str:
    """Where an export lies in the results bucket."""
    return f"exports/{account}/{export}.zip"


class Exports:
    """Those of the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, files: bool, created_by: str, user: str | None) -> Row[Any]:
        """Order one. Raises `ExportUnderWay` while another is being made."""
        row = {"id": new_id("exp"), "account_id": self._uow.account, "files": files}
        new = insert(account_exports).values(**row, created_by=created_by, user_id=user)
        try:
            with self._uow.savepoint():
                return self._uow.execute(new.returning(*_SHOWN)).one()
        except DBAPIError as error:
            if violated(error, "account_exports_one"):
                raise ExportUnderWay() from error
            raise

    def all(self) -> list[Row[Any]]:
        """Every one, newest first."""
        newest = (_e.created_at.desc(), _e.id.desc())
        return list(self._uow.execute(select(*_SHOWN).order_by(*newest)))

    def get(self, export: str) -> Row[Any]:
        """One of them; raises `ExportNotFound`."""
        row = self._uow.execute(select(*_SHOWN, _e.user_id).where(_e.id == export)).first()
        if row is None:
            raise ExportNotFound()
        return row

    def pending(self, export: str) -> Row[Any] | None:
        """One that is still to be made."""
        waiting = (_e.id == export, _e.state == "pending")
        return self._uow.execute(select(*_SHOWN, _e.user_id).where(*waiting)).first()

    def end(self, export: str, **values: Any) -> bool:
        """Write down how it ended; False for one that ended before."""
        waiting = (_e.id == export, _e.state == "pending")
        ends = {"finished_at": clock_now(), "expires_at": clock_now() + KEPT}
        change = update(account_exports).where(*waiting).values(**values, **ends)
        return self._uow.execute(change).rowcount > 0

    def remove(self, export: str) -> None:
        """Forget one, and erase its file now and once more when no worker can be writing it."""
        self._uow.execute(delete(account_exports).where(_e.id == export))
        erased = {"job": export, "results": [export_object(str(self._uow.account), export)]}
        self._uow.outbox.erase(erased)
        self._uow.outbox.erase(erased, due=timedelta(hours=1))


class ExportService:
    """The operations. `current` gives the request's unit of work, `open_uow` another one like it."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        storage: Callable[[], Storage],
        bucket: Callable[[], str],
    ):
        """`bucket` is the results bucket."""
        self._current = current
        self._open_uow = open_uow
        self._storage = storage
        self._bucket = bucket

    def create(self, caller: Principal, order: CreateExport) -> Export:
        """Order an export. Raises `ExportUnderWay` and `TooManyExports`."""
        uow = self._current()
        uow.sql("select id from accounts where id = :id for no key update", id=uow.account)
        if len(Exports(uow).all()) >= MOST:
            raise TooManyExports()
        row = Exports(uow).add(order.files, caller.id, caller.user)
        uow.outbox.task(EXPORT, ExportAccount(account=str(uow.account), export=row.id).model_dump())
        record(uow, Action.EXPORT_ORDERED, row.id, files=order.files)
        return _shown(row)

    def all(self) -> ExportList:
        """Every export that is there."""
        return ExportList(exports=[_shown(row) for row in Exports(self._current()).all()])

    def get(self, export: str) -> Export:
        """One export. Raises `ExportNotFound`."""
        return _shown(Exports(self._current()).get(export))

    def file(self, export: str) -> ExportFile:
        """A URL of the file. Raises `ExportNotFound` and `ExportNotReady`."""
        with self._open_uow() as uow:
            row = Exports(uow).get(export)
            if row.state != "done" or row.expires_at <= uow.now:
                raise ExportNotReady()
            account = str(uow.account)
            record(uow, Action.EXPORT_FETCHED, export)
        expires_at = utc_now() + URL_LIFETIME
        name, shown = export_object(account, export), f"{account}-{row.created_at:%Y-%m-%d}.zip"
        url = self._storage().signed_get(self._bucket(), name, URL_LIFETIME, shown, MEDIA_TYPE)
        return ExportFile(url=url, expires_at=expires_at)

    def remove(self, export: str) -> None:
        """Erase an export, or stop one that is being made. Raises `ExportNotFound`."""
        uow = self._current()
        Exports(uow).get(export)
        Exports(uow).remove(export)
        record(uow, Action.EXPORT_REMOVED, export)


def forget_exports(open_uow: Callable[[str | None], UnitOfWork]) -> None:
    """Erase what has expired, of all accounts; `open_uow` opens a unit of work as the system."""
    with open_uow(None) as uow:
        expired = select(_e.id, _e.account_id).where(_e.expires_at < clock_now()).limit(100)
        due = uow.execute(expired).all()
    for row in due:
        with open_uow(row.account_id) as uow:
            Exports(uow).remove(row.id)


def _shown(row: Row[Any]) -> Export:
    return Export.model_validate({name: row._mapping[name] for name in Export.model_fields})
