"""The ledger's refusals."""

from typing import Literal

from shared.core.errors import Conflict, ImangorError

Whose = Literal["account", "key"]
Period = Literal["day", "month"]


class InsufficientCredits(ImangorError):
    """The account's balance does not cover this."""

    slug, status, title = "insufficient-credits", 402, "Insufficient credits"


class SpendLimitReached(ImangorError):
    """A limit of what may be spent in a day or a month is reached.

    Retrying helps only when the period is over, so it is not transient: `Retry-After` says when that is.
    """

    slug, status, title = "spend-limit-reached", 429, "Spend limit reached"

    def __init__(
        self, whose: Whose, who: str, period: Period, limit: int, began: str, seconds: float
    ) -> None:
        """`who` is the id of the account or key; its `period` `began` on a UTC day, and ends in `seconds`."""
        super().__init__(
            f"This {whose} may spend {limit} credits a {period} (UTC), and this needs more.",
            retry_after=seconds,
        )
        self.whose, self.who, self.period = whose, who, period
        self.limit, self.began = limit, began


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


class StatementNotFound(ImangorError):
    """This month has not begun."""

    slug, status, title = "statement-not-found", 404, "Statement not found"


class AdjustmentExceedsBalance(Conflict):
    """More should be taken than is available; what is held for jobs cannot be taken."""

    slug = "adjustment-exceeds-balance"
