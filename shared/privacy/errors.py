"""The refusals of exports and erasures."""

from shared.core.errors import Conflict, NotFound


class ExportNotFound(NotFound):
    """There is no such export, or it has been erased."""


class ExportUnderWay(Conflict):
    """The account is being exported; wait for that export's end."""

    slug = "export-under-way"


class ExportNotReady(Conflict):
    """The export is not done, or failed: there is no file."""

    slug = "export-not-ready"


class TooManyExports(Conflict):
    """The account has as many exports as it may have; remove one, or wait until one is erased."""

    slug = "too-many-exports"


class ErasureNotFound(NotFound):
    """The account is not to be erased; or there is no such receipt."""


class ErasureUnderWay(Conflict):
    """The account is to be erased already."""

    slug = "erasure-under-way"


class ErasureBegun(Conflict):
    """The account is being erased; it is too late to stop that."""

    slug = "erasure-begun"


class PlatformsAccount(Conflict):
    """An account of the platform's own people is not erased; first it must be one no more."""

    slug = "platforms-account"
