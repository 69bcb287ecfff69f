"""What can be wrong with a picture, or with the folder of fonts."""

from __future__ import annotations

from shared.core.errors import ImangorError, TooLarge


class UnreadablePicture(ImangorError):
    """The content is empty, cut short or damaged and cannot be read as a picture."""

    slug, status, title = "unreadable-picture", 422, "Unreadable picture"


class TooManyPixels(TooLarge):
    """The picture has more pixels than the limit."""

    slug, title = "too-many-pixels", "Too many pixels"


class TooManyPages(TooLarge):
    """The picture has more pages than the limit."""

    slug, title = "too-many-pages", "Too many pages"


class FontsMissing(ImangorError):
    """The folder of fonts is not complete."""

    slug, title = "fonts-missing", "Fonts missing"
