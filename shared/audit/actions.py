"""What the audit log records: one list, with what each word means."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """Something that somebody did, named by what it was done to."""

    ACCOUNT_OPENED = "account.opened"
    SETTINGS_CHANGED = "settings.changed"
    LIMITS_CHANGED = "limits.changed"
    KEY_CREATED = "key.created"
    KEY_CHANGED = "key.changed"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    ROLE_CHANGED = "role.changed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_REVOKED = "invitation.revoked"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    SIGNED_IN = "session.created"
    SIGNED_OUT = "session.revoked"
    SESSION_RENAMED = "session.renamed"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - a name, not a token
    TOKENS_REVOKED = "tokens.revoked"
    SIGN_IN_FAILED = "security.sign_in_failed"
    ATTEMPTS_LIMITED = "security.attempts_limited"
    TOKEN_REUSED = "security.token_reused"  # noqa: S105 - a name, not a token
    AUDIT_BROKEN = "security.audit_broken"
    TRIAL_USED_UP = "security.trial_used_up"
    CREDITS_GRANTED = "credits.granted"
    CREDITS_ADJUSTED = "credits.adjusted"
    CREDITS_BOUGHT = "credits.bought"
    CREDITS_REFUNDED = "credits.refunded"
    CREDITS_EXPORTED = "credits.exported"
    JOB_DELETED = "job.deleted"
    ENDPOINT_CREATED = "webhook.created"
    ENDPOINT_CHANGED = "webhook.changed"
    ENDPOINT_DELETED = "webhook.deleted"
    ENDPOINT_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105 - a name, not a secret
    AUDIT_EXPORTED = "audit.exported"
    DEAD_LETTER_REDRIVEN = "dead_letter.redriven"
    DEAD_LETTER_DISCARDED = "dead_letter.discarded"
    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    EXPORT_ORDERED = "export.ordered"
    EXPORT_FETCHED = "export.fetched"
    EXPORT_REMOVED = "export.removed"
    SELFTEST_REQUESTED = "selftest.requested"
    ERASURE_ORDERED = "erasure.ordered"
    ERASURE_CANCELLED = "erasure.cancelled"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_ERASED = "account.erased"

    @property
    def meaning(self) -> str:
        """What it tells."""
        return MEANINGS[self]


MEANINGS: Final[dict[Action, str]] = {
    Action.ACCOUNT_OPENED: "an account was opened",
    Action.SETTINGS_CHANGED: "account settings were changed; the facts are the values that hold from then on",
    Action.LIMITS_CHANGED: "what the account, or an API key, may spend was changed",
    Action.KEY_CREATED: "an API key was made",
    Action.KEY_CHANGED: "an API key's name, limits or expiry were changed",
    Action.KEY_ROTATED: "an API key got another secret",
    Action.KEY_REVOKED: "an API key was revoked",
    Action.MEMBER_ADDED: "a person became a member of the account",
    Action.MEMBER_REMOVED: "a person is no longer a member of the account",
    Action.ROLE_CHANGED: "a member got another role",
    Action.INVITATION_CREATED: "somebody was invited",
    Action.INVITATION_ACCEPTED: "an invitation was accepted",
    Action.INVITATION_REVOKED: "an invitation was taken back",
    Action.USER_DISABLED: "a person may not sign in any more",
    Action.USER_ENABLED: "a person may sign in again",
    Action.SIGNED_IN: "a person signed in; the target is the session",
    Action.SIGNED_OUT: "a session was ended",
    Action.SESSION_RENAMED: "a session got another name",
    Action.TOKEN_ISSUED: "an API key was exchanged for an access token",
    Action.TOKENS_REVOKED: "every session and token of a person was ended",
    Action.SIGN_IN_FAILED: "a credential was refused; told once a minute of each key, person or place",
    Action.ATTEMPTS_LIMITED: "too many credentials were refused; more are not looked at for a while",
    Action.TOKEN_REUSED: "a token that may be used once was presented again; what came of it is revoked",
    Action.TRIAL_USED_UP: "the trial's pictures of a day are used up: a network's, or those of all visitors",
    Action.AUDIT_BROKEN: "a chain of the audit log is not as it was written",
    Action.CREDITS_GRANTED: "credits were given",
    Action.CREDITS_ADJUSTED: "a balance was corrected",
    Action.CREDITS_BOUGHT: "a payment provider told of a purchase",
    Action.CREDITS_REFUNDED: "a payment provider told of a refund",
    Action.CREDITS_EXPORTED: "the ledger was exported",
    Action.JOB_DELETED: "a job was deleted with its media",
    Action.ENDPOINT_CREATED: "a webhook endpoint was added",
    Action.ENDPOINT_CHANGED: "a webhook endpoint was changed",
    Action.ENDPOINT_DELETED: "a webhook endpoint was removed",
    Action.ENDPOINT_SECRET_ROTATED: "a webhook endpoint got another signing secret",
    Action.AUDIT_EXPORTED: "the audit log was exported",
    Action.DEAD_LETTER_REDRIVEN: "an event that was given up was sent again",
    Action.DEAD_LETTER_DISCARDED: "an event that was given up was thrown away",
    Action.QUEUE_PAUSED: "a queue of tasks was stopped",
    Action.QUEUE_RESUMED: "a queue of tasks was let go on",
    Action.EXPORT_ORDERED: "an export of the whole account was ordered",
    Action.EXPORT_FETCHED: "an export was fetched: a URL of its file was given out",
    Action.EXPORT_REMOVED: "an export was erased before its time",
    Action.SELFTEST_REQUESTED: "a self-test was asked for",
    Action.ERASURE_ORDERED: "somebody wants the account erased; the facts say when that begins",
    Action.ERASURE_CANCELLED: "the account is not to be erased after all",
    Action.ACCOUNT_CLOSED: "nobody uses the account any more; it is being erased",
    Action.ACCOUNT_ERASED: "everything of the account was erased; the target is the erasure",
}
