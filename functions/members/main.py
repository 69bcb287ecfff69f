"""/v1/members and /v1/invitations: who belongs to an account, and who is invited to it."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.mail.errors import NoAddress
from shared.members import errors, schemas

READ, WRITE = "members:read", "members:write"
INVITATION = "/v1/invitations/{invitation_id}"
JOINING = [errors.InvitationNotFound, errors.InvitationEnded, errors.InvitationForAnother]


@http.get("/", auth=READ, rate="300/minute", transaction=False)
def list_members(ctx: Context) -> schemas.MemberList:
    """List everybody who belongs to the account, the oldest members first."""
    return ctx.members.all()


@http.patch(
    "/{user_id}",
    auth=WRITE,
    rate="60/minute",
    errors=[errors.MemberNotFound, errors.OwnersOnly, errors.LastOwner],
)
def change_member(
    ctx: Context, user_id: schemas.UserId, body: schemas.ChangeRole
) -> schemas.ChangedMembership:
    """Give a member another role. Owners are made and changed with the scope account:owner only."""
    return ctx.members.change_role(ctx.caller, user_id, body)


@http.delete(
    "/{user_id}",
    auth=WRITE,
    rate="60/minute",
    errors=[errors.MemberNotFound, errors.OwnersOnly, errors.LastOwner],
)
def remove_member(ctx: Context, user_id: schemas.UserId, query: schemas.RemoveMember) -> schemas.Removed:
    """Remove somebody from the account at once, and what they let clients do. An account keeps an owner.

    API keys are the account's: those that they made are named in the answer, and stay unless `keys=revoke`.
    """
    return ctx.members.remove(ctx.caller, user_id, query)


@http.post(
    "/v1/invitations",
    auth=WRITE,
    rate="30/hour",
    status=201,
    errors=[
        *(NoAddress, errors.OwnersOnly, errors.AlreadyMember),
        *(errors.AlreadyInvited, errors.TooManyMembers),
    ],
)
def create_invitation(ctx: Context, body: schemas.CreateInvitation) -> Reply[schemas.Invitation]:
    """Invite somebody by e-mail. The invitation is for that address, once, within a week."""
    made = ctx.invitations.create(ctx.caller, body)
    return Reply(made, headers={"Location": f"/v1/invitations/{made.id}"})


@http.get("/v1/invitations", auth=READ, rate="300/minute", transaction=False)
def list_invitations(ctx: Context) -> schemas.InvitationList:
    """List the invitations that were neither accepted nor taken back, the newest first."""
    return ctx.invitations.open()


@http.delete(INVITATION, auth=WRITE, rate="60/minute", status=204, errors=[errors.InvitationNotFound])
def revoke_invitation(ctx: Context, invitation_id: schemas.InvitationId) -> None:
    """Take an invitation back; its token is worth nothing from then on."""
    ctx.invitations.revoke(invitation_id)


@http.post(
    INVITATION + "/resend",
    auth=WRITE,
    rate="10/hour",
    errors=[errors.InvitationNotFound, errors.OwnersOnly],
)
def resend_invitation(ctx: Context, invitation_id: schemas.InvitationId) -> schemas.Invitation:
    """Send an invitation again, with another token and for another week."""
    return ctx.invitations.resend(ctx.caller, invitation_id)


@http.post(
    "/v1/invitations/accept",
    auth="person",
    rate="30/minute",
    errors=[*JOINING, errors.EmailNotVerified, errors.TooManyAccounts],
    transaction=False,
)
def accept_invitation(ctx: Context, body: schemas.AcceptInvitation) -> schemas.Belonging:
    """Accept an invitation by its token, signed in with the verified address that it was sent to."""
    return ctx.belonging.accept(ctx.caller, body)


MEMBERS = (list_members, change_member, remove_member)
INVITATIONS = (create_invitation, list_invitations, revoke_invitation, resend_invitation)
members = mount("members", *MEMBERS, *INVITATIONS, accept_invitation)
