"""Between protobuf's well-known types and plain seconds; field masks; pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from local.messaging.rpc import invalid


def stamp(seconds: float) -> Timestamp:
    """A time in seconds since 1970 as a protobuf timestamp of microsecond precision."""
    microseconds = round(seconds * 1_000_000)
    return Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1000)


def span(seconds: float) -> Duration:
    """A number of seconds as a protobuf duration."""
    microseconds = round(seconds * 1_000_000)
    return Duration(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1000)


def seconds_of(value: Timestamp | Duration) -> float:
    """Seconds of a protobuf duration, or since 1970 of a timestamp."""
    return value.seconds + value.nanos / 1e9


def iso(value: Timestamp, zone: str = "Z") -> str:
    """RFC 3339 with milliseconds, as Pub/Sub writes publish times."""
    moment = datetime.fromtimestamp(seconds_of(value), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{zone}"


def merge(mask: FieldMask, source: Any, target: Any, allowed: Iterable[str]) -> None:
    """Copy the masked fields; INVALID_ARGUMENT where a path is unknown or its field cannot be changed."""
    if not mask.paths:
        raise invalid("The update_mask must name at least one field.")
    known = set(allowed)
    for path in mask.paths:
        if path.split(".")[0] not in known or not FieldMask(paths=[path]).IsValidForDescriptor(
            target.DESCRIPTOR
        ):
            raise invalid(f"Invalid update_mask provided: {path} is not a known or a mutable field.")
    mask.MergeMessage(source, target, replace_message_field=True, replace_repeated_field=True)


def page(names: Iterable[str], size: int, token: str, largest: int) -> tuple[list[str], str]:
    """One page of names in their order, and the token of the next one (empty at the end)."""
    after = _name_of(token)
    left = sorted(name for name in names if name > after)
    limit = min(size or largest, largest)
    if limit < 0:
        raise invalid("The page_size must not be negative.")
    chosen = left[:limit]
    more = len(left) > limit
    return chosen, base64.urlsafe_b64encode(chosen[-1].encode()).decode() if more else ""


def _name_of(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid("The page_token is not valid.") from error
