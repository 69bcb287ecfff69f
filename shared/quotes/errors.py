"""The quotes feature's refusals."""

from shared.core.errors import Conflict, ImangorError, InvalidInput, NotFound


class QuoteNotFound(NotFound):
    """There is no such quote in this account."""


class QuoteExpired(ImangorError):
    """The quote has expired; ask for another one."""

    slug, status, title = "quote-expired", 410, "Quote expired"


class QuoteUsed(Conflict):
    """A job was created from this quote already; a quote is for one job."""

    slug, title = "quote-used", "Quote used"


class QuoteMismatch(InvalidInput):
    """The order asks for something else than was quoted."""

    slug, title = "quote-mismatch", "Not what was quoted"


class QuoteExceeded(ImangorError):
    """The file is more than was quoted; nothing was bought, and nothing is charged."""

    slug, status, title = "quote-exceeded", 422, "More than quoted"
