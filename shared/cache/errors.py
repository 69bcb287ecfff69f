"""Errors of the cache room; none of them reaches a caller of the API."""

from __future__ import annotations

from shared.core.errors import TransientError


class CacheUnavailable(TransientError):
    """The cache does not answer; do without it."""
