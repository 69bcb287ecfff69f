"""What can go wrong between us and a mail server."""

from shared.core.errors import DependencyDown, ImangorError, TransientError


class MailServerDown(DependencyDown):
    """The mail server is not answering, or refuses us."""

    slug = "mail-server-down"


class MailPutOff(TransientError):
    """The mail server does not take this message now."""

    slug = "mail-put-off"


class MailRefused(ImangorError):
    """The mail server will never take this message."""

    slug, status, title = "mail-refused", 422, "Mail refused"


class NoAddress(ImangorError):
    """This is not an e-mail address."""

    slug, status, title = "no-address", 422, "Not an address"
