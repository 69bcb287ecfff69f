"""Identifiers: a prefix that names the kind, then 48 bits of time and 80 random bits, sortable by age."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_BODY: Final = r"[0-9a-hjkmnp-tv-z]{26}"


def new_id(prefix: str) -> str:
    """Make an id such as `job_01k9…`: the ULID layout (github.com/ulid/spec) in lower case."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return prefix + "_" + "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def id_pattern(prefix: str) -> str:
    """The regular expression, anchored, that an id of this kind matches."""
    return f"^{re.escape(prefix)}_{_BODY}$"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` is an id of this kind."""
    return re.fullmatch(id_pattern(prefix), text) is not None
