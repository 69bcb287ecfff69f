"""The refusals of accounts' people."""

from shared.core.errors import Conflict, Forbidden, ImangorError, NotFound


class MemberNotFound(NotFound):
    """There is no such member in this account."""


class UserNotFound(NotFound):
    """There is no such person."""


class InvitationNotFound(NotFound):
    """There is no such open invitation."""


class InvitationEnded(ImangorError):
    """The invitation was used, taken back, or is too old."""

    slug, status, title = "invitation-ended", 410, "Invitation ended"


class InvitationForAnother(Forbidden):
    """The invitation is for another address than the one you signed in with."""

    slug = "invitation-for-another"


class EmailNotVerified(Forbidden):
    """First show that your e-mail address is yours; then sign in again."""

    slug = "email-not-verified"


class LastOwner(Conflict):
    """An account keeps an owner: make somebody else one first."""

    slug = "last-owner"


class AlreadyMember(Conflict):
    """Somebody with this address belongs to the account."""

    slug = "already-member"


class AlreadyInvited(Conflict):
    """This address has an open invitation; send that again, or take it back."""

    slug = "already-invited"


class TooManyMembers(Conflict):
    """The account has as many members and open invitations as it may have."""

    slug = "too-many-members"


class TooManyAccounts(Conflict):
    """You belong to as many accounts as you may."""

    slug = "too-many-accounts"


class OwnersOnly(Forbidden):
    """Who is an owner is decided by those who have the scope account:owner."""

    slug = "owners-only"
