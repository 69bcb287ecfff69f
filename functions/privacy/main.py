"""/v1/account/exports: everything that is kept of an account, as a zip file."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.privacy.errors import ExportNotFound, ExportNotReady, ExportUnderWay, TooManyExports
from shared.privacy.schemas import CreateExport, Export, ExportFile, ExportId, ExportList


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


privacy = mount("privacy", create_export, list_exports, get_export, get_export_file, delete_export)
