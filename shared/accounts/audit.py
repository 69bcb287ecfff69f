"""The audit log as an account's people and the platform's own read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from shared.audit.actions import Action
from shared.audit.chain import Mark
from shared.audit.entries import chain_of, file_of, page_of
from shared.audit.log import record
from shared.audit.schemas import AuditExport, AuditPage, AuditProof, AuditQuery
from shared.audit.verification import verify
from shared.auth.errors import AccountNotFound
from shared.db.unit_of_work import UnitOfWork


class AuditService:
    """The operations on one chain: an account's, or with `account` None the platform's."""

    def __init__(
        self,
        account: str | None,
        open_uow: Callable[[], UnitOfWork],
        anchors: Callable[[str], Iterable[Mark]],
    ):
        """`open_uow` opens a unit of work that may read the chain; `anchors` gives what was published."""
        self._account = account
        self._open_uow = open_uow
        self._anchors = anchors

    def page(self, query: AuditQuery) -> AuditPage:
        """A page of entries, newest first; raises `AccountNotFound`."""
        with self._open_uow() as uow:
            self._require(uow)
            return page_of(uow, chain_of(self._account), query)

    def export(self, query: AuditExport) -> Iterator[bytes]:
        """The entries as a file, oldest first; the export is recorded. Raises `AccountNotFound`."""
        with self._open_uow() as uow:
            self._require(uow)
            record(uow, Action.AUDIT_EXPORTED, format=query.format, chain=chain_of(self._account))
        return file_of(self._open_uow, chain_of(self._account), query)

    def verify(self) -> AuditProof:
        """Check the whole chain; raises `AccountNotFound`."""
        with self._open_uow() as uow:
            self._require(uow)
        chain = chain_of(self._account)
        return verify(self._open_uow, chain, self._anchors(chain))

    def _require(self, uow: UnitOfWork) -> None:
        """Also of an account that was closed the log stays."""
        if self._account is None:
            return
        if uow.sql("select id from accounts where id = :id", id=self._account).first() is None:
            raise AccountNotFound()
