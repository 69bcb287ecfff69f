"""/v1/admin: what the platform's own people do, with keys whose account the database knows as theirs."""

from __future__ import annotations

from shared.auth.errors import AccountNotFound
from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.ledger.errors import AdjustmentExceedsBalance, ReferenceReused
from shared.ledger.schemas import AccountId, CreateAdjustment, CreateGrant, Entry, Proof, Reference
from shared.members.errors import LastOwner, MemberNotFound, UserNotFound
from shared.members.schemas import ChangedMembership, ChangeRole, User, UserFilter, UserId, UserList
from shared.selftest.schemas import SelfTest

CREDITS = "/accounts/{account_id}/credits"
USER = "/users/{user_id}"


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


@http.get("/users", auth="admin", rate="120/minute", transaction=False)
def find_users(ctx: Context, query: UserFilter) -> UserList:
    """Find people by their whole address, their account or their id; at most 100, the newest first."""
    return ctx.user_administration.find(ctx.caller, query)


@http.post(USER + "/disable", auth="admin", rate="60/minute", errors=[UserNotFound], transaction=False)
def disable_user(ctx: Context, user_id: UserId) -> User:
    """Let somebody in no more, within seconds also where they are signed in."""
    return ctx.user_administration.disable(ctx.caller, user_id)


@http.post(USER + "/enable", auth="admin", rate="60/minute", errors=[UserNotFound], transaction=False)
def enable_user(ctx: Context, user_id: UserId) -> User:
    """Let somebody sign in again."""
    return ctx.user_administration.enable(ctx.caller, user_id)


@http.post(USER + "/revoke", auth="admin", rate="60/minute", errors=[UserNotFound], transaction=False)
def revoke_user(ctx: Context, user_id: UserId) -> User:
    """End everything that somebody is signed in with; they may sign in again."""
    return ctx.user_administration.revoke(ctx.caller, user_id)


@http.put(
    "/accounts/{account_id}/members/{user_id}",
    auth="admin",
    rate="60/minute",
    errors=[AccountNotFound, MemberNotFound, LastOwner],
    transaction=False,
)
def set_member_role(
    ctx: Context, account_id: AccountId, user_id: UserId, body: ChangeRole
) -> ChangedMembership:
    """Give a member of an account another role."""
    return ctx.user_administration.set_role(ctx.caller, account_id, user_id, body)


@http.post("/selftest", auth="admin", rate="10/minute", status=202, transaction=False)
def request_selftest(ctx: Context) -> SelfTest:
    """Have the service test itself within a minute; where it just did or is about to, that is the answer."""
    return ctx.selftest.request()


CREDIT_OPERATIONS = (prove_credits, grant_credits, adjust_credits)
USER_OPERATIONS = (find_users, disable_user, enable_user, revoke_user, set_member_role)
admin = mount("admin", *CREDIT_OPERATIONS, *USER_OPERATIONS, request_selftest)
