"""/v1/admin: what the platform's own people do, with keys whose account the database knows as theirs."""

from __future__ import annotations

from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.ledger.errors import AdjustmentExceedsBalance, ReferenceReused
from shared.ledger.schemas import AccountId, CreateAdjustment, CreateGrant, Entry, Proof, Reference

CREDITS = "/accounts/{account_id}/credits"


@http.get(CREDITS, auth="admin", rate="120/minute", errors=[AccountNotFound], transaction=False)
def prove_credits(ctx: Context, account_id: AccountId) -> Proof:
    """Prove an account's balance from its entries."""
    return ctx.treasury.proof(account_id)


@http.put(
    CREDITS + "/grants/{reference}",
    auth="admin",
    rate="120/minute",
    errors=[AccountNotFound, ReferenceReused],
    transaction=False,
)
def grant_credits(ctx: Context, account_id: AccountId, reference: Reference, body: CreateGrant) -> Entry:
    """Give an account credits, once for each reference."""
    return ctx.treasury.grant(ctx.caller, account_id, reference, body)


@http.put(
    CREDITS + "/adjustments/{reference}",
    auth="admin",
    rate="120/minute",
    errors=[AccountNotFound, ReferenceReused, AdjustmentExceedsBalance],
    transaction=False,
)
def adjust_credits(
    ctx: Context, account_id: AccountId, reference: Reference, body: CreateAdjustment
) -> Entry:
    """Correct an account's balance, once for each reference; never below zero, and nothing that is held."""
    return ctx.treasury.adjust(ctx.caller, account_id, reference, body)


admin = mount("admin", prove_credits, grant_credits, adjust_credits)
