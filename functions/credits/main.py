"""/v1/credits: what an account has, every movement of it, monthly statements, and payments from outside."""

from __future__ import annotations

from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, Stream, mount
from shared.ledger.errors import (
    PurchaseNotFound,
    ReferenceReused,
    RefundExceedsPurchase,
    StatementNotFound,
)
from shared.ledger.schemas import (
    Balance,
    Entry,
    EntryFilter,
    EntryPage,
    ExportFilter,
    Month,
    PaymentEvent,
    Statement,
    StatementFilter,
)
from shared.webhooks.signature import BadSignature

PAYMENT_ERRORS = [BadSignature, AccountNotFound, PurchaseNotFound, ReferenceReused, RefundExceedsPurchase]
CSV = {"Content-Disposition": 'attachment; filename="credits.csv"'}


@http.get("/", auth="credits:read", rate="300/minute")
def get_balance(ctx: Context) -> Balance:
    """Read what is available, what is held for jobs under way, and what expires next."""
    return ctx.credits.balance()


@http.get("/entries", auth="credits:read", rate="300/minute")
def list_entries(ctx: Context, query: EntryFilter) -> EntryPage:
    """List the transactions of the ledger, newest first."""
    return ctx.credits.entries(query)


@http.get("/entries.csv", auth="credits:read", rate="30/minute", transaction=False, produces="text/csv")
def export_entries(ctx: Context, query: ExportFilter) -> Reply[Stream]:
    """Export the transactions of the ledger as CSV, oldest first.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    return Reply(ctx.credits.export(query), headers=CSV, media_type="text/csv; charset=utf-8")


@http.get("/statements/{month}", auth="credits:read", rate="120/minute", errors=[StatementNotFound])
def get_statement(ctx: Context, month: Month, query: StatementFilter) -> Statement:
    """Read the statement of a month (UTC): opening, movements, closing, and the jobs that spent credits."""
    return ctx.credits.statement(month, query)


@http.post("/payments", auth=None, signed=True, rate="600/minute", errors=PAYMENT_ERRORS)
def receive_payment(ctx: Context, body: PaymentEvent) -> Entry:
    """Book a purchase or a refund that a payment provider's adapter tells of, once for each reference.

    Told again, it answers with what was booked. A refund never takes more than is available; what is
    missing stands as its `shortfall` and is not collected later.
    """
    return ctx.payments.receive(body)


credits = mount("credits", get_balance, list_entries, export_entries, get_statement, receive_payment)
