"""Replies: what an operation returns when a model alone does not say it all, and its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

JSON = "application/json"

Stream = Iterator[bytes]
"""The content of a reply that is made while it is sent."""

T = TypeVar("T")


@dataclass(frozen=True)
class Reply(Generic[T]):
    """A reply with its own headers or status. `content` is a model, bytes, an iterator of bytes, or None.

    `etag` is the opaque part of the entity tag, without quotes. `status` None means the declared one.
    """

    content: T
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    media_type: str = JSON
    etag: str | None = None


@dataclass(frozen=True)
class Rendered:
    """A reply as bytes, before the headers that every reply has."""

    status: int
    headers: dict[str, str]
    body: bytes | Iterable[bytes]


def render(value: Any, status: int) -> Rendered:
    """Turn what an operation returned into bytes. None is 204 where 200 was declared.

    A model with an `etag` attribute (a property, or a field) carries its own entity tag.
    """
    reply = value if isinstance(value, Reply) else Reply(value)
    headers = dict(reply.headers)
    content = reply.content
    tag = reply.etag or (getattr(content, "etag", None) if isinstance(content, BaseModel) else None)
    if tag:
        headers.setdefault("ETag", f'"{tag}"')
    code = reply.status or (204 if content is None and status == 200 else status)
    if content is None:
        return Rendered(code, headers, b"")
    headers.setdefault("Content-Type", reply.media_type)
    return Rendered(code, headers, _to_bytes(content))


def _to_bytes(content: Any) -> bytes | Iterable[bytes]:
    if isinstance(content, BaseModel):
        return content.model_dump_json(by_alias=True).encode()
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if isinstance(content, Iterable) and not isinstance(content, str):
        return content
    raise TypeError(f"an operation returned {type(content).__name__}, which has no representation")
