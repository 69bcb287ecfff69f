"""What a receipt says: who asked, when, and how much was erased. Nothing in it is personal but ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.privacy.rules import KEPT, SCRUBBED

KIND: Final = "erasure-receipt"


def claims(row: Mapping[str, Any], entries: int, head: bytes) -> dict[str, Any]:
    """The claims of a receipt. `entries` and `head` are the end of the account's chain of the audit log, by
    which its log can be told to be the one that the receipt was written for.
    """
    counted = {name: number for name, number in row["rows"].items() if name not in SCRUBBED}
    scrubbed = {name: number for name, number in row["rows"].items() if name in SCRUBBED}
    return {
        "jti": row["id"],
        "sub": row["account_id"],
        "requested_by": {"kind": row["requested_kind"], "id": row["requested_by"]},
        "requested_at": _written(row["requested_at"]),
        "closed_at": _written(row["closed_at"]),
        "finished_at": _written(row["finished_at"]),
        "rows_erased": counted,
        "rows_without_contents": scrubbed,
        "rows_kept": sorted(KEPT),
        "objects_erased": row["objects"],
        "people": row["people"],
        "audit": {"entries": entries, "hash": head.hex()},
    }


def _written(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
