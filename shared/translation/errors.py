"""What can be wrong with the languages of a request."""

from shared.core.errors import ImangorError


class UnsupportedLanguage(ImangorError):
    """This deployment cannot translate from or into that language."""

    slug, status, title = "unsupported-language", 422, "Unsupported language"
