"""Language tags (BCP 47), in one canonical spelling: `en`, `pt-BR`, `zh-Hant-TW`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

AUTO = "auto"
PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$"


def canonical(tag: str) -> str:
    """The tag with language in lower case, script in title case, region in capitals (RFC 5646, 2.1.1).

    Raises ValueError for what is not language[-script][-region].
    """
    if not re.fullmatch(PATTERN[1:-1], tag):
        raise ValueError("not a language tag")
    first, *rest = tag.split("-")
    return "-".join([first.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


def base(tag: str | None) -> str | None:
    """The language alone, without script and region."""
    return None if tag is None else tag.split("-")[0].lower()


def same(one: str | None, other: str | None) -> bool:
    """Whether two tags mean one language: alike, or one says no more than the other's language."""
    if one is None or other is None or base(one) != base(other):
        return False
    return one.lower() == other.lower() or "-" not in one or "-" not in other


Tag = Annotated[str, Field(pattern=PATTERN, examples=["es"]), AfterValidator(canonical)]
