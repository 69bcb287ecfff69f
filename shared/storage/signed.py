"""Sends a file as a client does: by a request that was signed for it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.storage.errors import StorageRefused, StorageUnavailable

_SECONDS = 30.0


def send(method: str, url: str, headers: Mapping[str, str], data: bytes) -> None:
    """Send `data`. Raises `StorageRefused` and `StorageUnavailable`."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    request = Request(url, data, dict(headers), method=method)  # noqa: S310 - the storage adapter's own address
    try:
        with urlopen(request, timeout=_SECONDS):  # noqa: S310
            return
    except HTTPError as error:
        raise (StorageUnavailable if error.code >= 500 else StorageRefused) from error
    except (OSError, HTTPException) as error:
        raise StorageUnavailable from error
