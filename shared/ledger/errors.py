"""The ledger's refusals."""

from shared.core.errors import Conflict, ImangorError


class InsufficientCredits(ImangorError):
    """The account's balance does not cover this."""

    slug, status, title = "insufficient-credits", 402, "Insufficient credits"


class NothingHeld(Conflict):
    """Nothing is held for this target: it was captured or released, or never held."""

    slug = "nothing-held"


class CaptureExceedsHold(ImangorError):
    """More should be captured than is held for the target."""


class RefundExceedsPurchase(ImangorError):
    """More should be refunded than was bought."""

    slug, status, title = "refund-exceeds-purchase", 422, "Refund exceeds purchase"


class ReferenceReused(Conflict):
    """This reference stands for another transaction: its kind, account, amount or expiry differ."""

    slug = "reference-reused"


class PurchaseNotFound(Conflict):
    """There is no purchase of this reference yet; deliver its event first, then this one again."""

    slug = "purchase-not-found"


class AccountNotFound(ImangorError):
    """There is no such account."""

    slug, status, title = "account-not-found", 404, "Account not found"


class StatementNotFound(ImangorError):
    """This month has not begun."""

    slug, status, title = "statement-not-found", 404, "Statement not found"


class AdjustmentExceedsBalance(Conflict):
    """More should be taken than is available; what is held for jobs cannot be taken."""

    slug = "adjustment-exceeds-balance"
