"""/v1/account/audit: who did what to an account; /v1/admin/audit: the same of any account."""

from __future__ import annotations

from shared.audit.schemas import (
    MEDIA_TYPES,
    AuditExport,
    AuditExportOf,
    AuditPage,
    AuditProof,
    AuditQuery,
    AuditQueryOf,
    ChainName,
)
from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, Stream, mount

ADMIN = "/v1/admin/audit"
EXPORTS = "application/jsonl, text/csv"


@http.get("/", auth="audit:read", rate="300/minute", transaction=False)
def list_audit_entries(ctx: Context, query: AuditQuery) -> AuditPage:
    """List what was done in the account, newest first."""
    return ctx.audit.page(query)


@http.get("/export", auth="audit:read", rate="30/minute", transaction=False, produces=EXPORTS)
def export_audit_log(ctx: Context, query: AuditExport) -> Reply[Stream]:
    """Export the audit log as JSON Lines, or with `format=csv` as CSV, oldest first."""
    return Reply(ctx.audit.export(query), media_type=MEDIA_TYPES[query.format])


@http.get(ADMIN, auth="admin", rate="300/minute", errors=[AccountNotFound], transaction=False)
def list_audit_entries_of(ctx: Context, query: AuditQueryOf) -> AuditPage:
    """List what was done in an account, or without one what belongs to none."""
    return ctx.audit_of(query.account).page(query)


@http.get(
    ADMIN + "/export",
    auth="admin",
    rate="30/minute",
    errors=[AccountNotFound],
    transaction=False,
    produces=EXPORTS,
)
def export_audit_log_of(ctx: Context, query: AuditExportOf) -> Reply[Stream]:
    """Export the audit log of an account, or of what belongs to none."""
    return Reply(ctx.audit_of(query.account).export(query), media_type=MEDIA_TYPES[query.format])


@http.get(ADMIN + "/proof", auth="admin", rate="30/minute", errors=[AccountNotFound], transaction=False)
def prove_audit_log(ctx: Context, query: ChainName) -> AuditProof:
    """Check an audit log: every entry against the one before, its end, and what was published of it."""
    return ctx.audit_of(query.account).verify()


audit = mount(
    "audit",
    list_audit_entries,
    export_audit_log,
    list_audit_entries_of,
    export_audit_log_of,
    prove_audit_log,
)
