"""The ledger's refusals."""

from shared.core.errors import ImangorError


class InsufficientCredits(ImangorError):
    """The account's balance does not cover this job."""

    slug, status, title = "insufficient-credits", 402, "Insufficient credits"
