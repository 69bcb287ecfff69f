"""/v1/account/exports: everything that is kept of an account, as a zip file; /v1/account/erasure: its end."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.privacy.errors import (
    ErasureBegun,
    ErasureNotFound,
    ErasureUnderWay,
    ExportNotFound,
    ExportNotReady,
    ExportUnderWay,
    PlatformsAccount,
    TooManyExports,
)
from shared.privacy.schemas import (
    CreateExport,
    Erasure,
    ErasureReceipt,
    Export,
    ExportFile,
    ExportId,
    ExportList,
    OrderErasure,
    ReceiptId,
)
from shared.sessions.errors import SignInTooOld

ERASURE = "/v1/account/erasure"


@http.post("/", auth="exports:write", rate="10/hour", status=202, errors=[ExportUnderWay, TooManyExports])
def create_export(ctx: Context, body: CreateExport) -> Reply[Export]:
    """Export everything that is kept of the account. It is made in the background and kept for 7 days."""
    export = ctx.exports.create(ctx.caller, body)
    return Reply(export, headers={"Location": f"/v1/account/exports/{export.id}"})


@http.get("/", auth="exports:read", rate="300/minute")
def list_exports(ctx: Context) -> ExportList:
    """List the account's exports, newest first."""
    return ctx.exports.all()


@http.get("/{export_id}", auth="exports:read", rate="300/minute", errors=[ExportNotFound])
def get_export(ctx: Context, export_id: ExportId) -> Export:
    """Read how far an export is."""
    return ctx.exports.get(export_id)


@http.get(
    "/{export_id}/file",
    auth="exports:read",
    rate="60/minute",
    errors=[ExportNotFound, ExportNotReady],
    transaction=False,
)
def get_export_file(ctx: Context, export_id: ExportId) -> ExportFile:
    """Get a URL of the zip file that is good for ten minutes. The audit log tells who did."""
    return ctx.exports.file(export_id)


@http.delete("/{export_id}", auth="exports:write", rate="60/minute", status=204, errors=[ExportNotFound])
def delete_export(ctx: Context, export_id: ExportId) -> None:
    """Erase an export, or stop one that is being made."""
    ctx.exports.remove(export_id)


@http.post(
    ERASURE,
    auth="erasure:write",
    rate="10/hour",
    status=202,
    errors=[SignInTooOld, ErasureUnderWay, PlatformsAccount],
)
def order_erasure(ctx: Context, body: OrderErasure) -> Erasure:
    """Have the account erased with everything in it, after some days in which an owner can stop that.

    A person must have signed in within the last five minutes. The owners are told by e-mail. Until it begins
    everything works as before; then nothing of the account does.
    """
    return ctx.erasures.order(ctx.caller, ctx.credentials, body)


@http.get(ERASURE, auth="erasure:read", rate="300/minute", errors=[ErasureNotFound])
def get_erasure(ctx: Context) -> Erasure:
    """Read whether the account is to be erased, and when."""
    return ctx.erasures.get()


@http.delete(
    ERASURE, auth="erasure:write", rate="30/minute", status=204, errors=[ErasureNotFound, ErasureBegun]
)
def cancel_erasure(ctx: Context) -> None:
    """Stop an erasure that has not begun."""
    ctx.erasures.cancel(ctx.caller)


@http.get(
    "/v1/erasures/{receipt_id}", auth=None, rate="60/minute", errors=[ErasureNotFound], transaction=False
)
def get_erasure_receipt(ctx: Context, receipt_id: ReceiptId) -> ErasureReceipt:
    """Read how far an erasure is, and its signed receipt. It takes no credential."""
    return ctx.receipts.get(receipt_id)


EXPORTS = (create_export, list_exports, get_export, get_export_file, delete_export)
privacy = mount("privacy", *EXPORTS, order_erasure, get_erasure, cancel_erasure, get_erasure_receipt)
