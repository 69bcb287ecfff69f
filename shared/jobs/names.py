"""Where a job's objects lie, and what an inbox path means. Both buckets, all names, in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from shared.core.errors import InvalidInput
from shared.core.ids import is_id
from shared.translation.order import MAX_TARGETS
from shared.translation.tags import AUTO, canonical

MAX_UPLOAD_BYTES: Final = 100 * 1024 * 1024
"""Largest picture file accepted through the bucket."""

MAX_PATH_BYTES: Final = 850
"""Longest path below an inbox: Cloud Storage's 1,024 bytes, less what the names of results add."""

_UPLOAD: Final = re.compile(r"uploads/(?P<account>[^/]+)/(?P<job>[^/]+)/source")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")


class InboxPathInvalid(InvalidInput):
    """The path is not `inbox/<account>/<source>-<target>[,<target>]/…/name`."""

    slug, title = "inbox-path-invalid", "Inbox path not valid"


@dataclass(frozen=True)
class UploadedFor:
    """The object is the source of an existing job."""

    account: str
    job: str


@dataclass(frozen=True)
class DroppedInto:
    """The object was copied into an account's inbox; `path` is what follows `inbox/<account>/`."""

    account: str
    path: str


def source_object(account: str, job: str) -> str:
    """Where the client uploads a job's file, in the uploads bucket."""
    return f"uploads/{account}/{job}/source"


def results_prefix(account: str, path: str) -> str:
    """The folder of a job's results, in the results bucket; `path` is the job's id or its inbox path.

    Whatever the inbox path holds, the folder lies below the account's and has no relative part; a path too
    long for the names that follow is cut, with a hash of the whole at its end.
    """
    if len(path.encode()) > MAX_PATH_BYTES:
        kept = path.encode()[: MAX_PATH_BYTES - 20].decode(errors="ignore")
        path = f"{kept}~{sha256(path.encode()).hexdigest()[:16]}"
    safe = "/".join("_" if part in {"", ".", ".."} else part for part in _CONTROL.sub("_", path).split("/"))
    return f"results/{account}/{safe}/"


def error_object(prefix: str) -> str:
    """Where the rejection of an inbox file is written; `prefix` is the folder its results would have."""
    return prefix.rstrip("/") + ".error.json"


def classify(name: str) -> UploadedFor | DroppedInto | None:
    """What an object of the uploads bucket is, by its name alone; None when it is nothing of ours."""
    if "\x00" in name:
        # No column of PostgreSQL can hold such a name, and nobody gives a file one by accident.
        return None
    upload = _UPLOAD.fullmatch(name)
    if upload and is_id("acc", upload["account"]) and is_id("job", upload["job"]):
        return UploadedFor(upload["account"], upload["job"])
    top, _, rest = name.partition("/")
    account, _, path = rest.partition("/")
    if top == "inbox" and is_id("acc", account) and path and not path.endswith("/"):
        return DroppedInto(account, path)
    return None


@dataclass(frozen=True)
class InboxOrder:
    """What an inbox path asks for."""

    source: str | None
    targets: list[str]
    name: str


def read_inbox_path(path: str, source: str | None = None, targets: Sequence[str] = ()) -> InboxOrder:
    """Read `en-es,fr/menus/sign.jpg`; raises `InboxPathInvalid` saying what is wrong.

    For a file without a folder, such as `sign.jpg`, `source` and `targets` are what it asks for, if any.

    A language is `auto` (as source) or a BCP 47 tag with `_` for its inner hyphens, so that exactly one
    hyphen stands between source and targets.
    """
    parts = path.split("/")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InboxPathInvalid(f"The path below the account is longer than {MAX_PATH_BYTES} bytes.")
    if any(part in {"", ".", ".."} for part in parts) or _CONTROL.search(path):
        raise InboxPathInvalid("The path has an empty or relative part, or a control character.")
    if len(parts) == 1 and targets:
        return InboxOrder(source, list(targets), path)
    if len(parts) < 2 or parts[0].count("-") != 1:
        raise InboxPathInvalid(
            "The folder below the account must be <source>-<target>[,<target>], such as en-es or zh_TW-en,fr."
        )
    before, _, after = parts[0].partition("-")
    tags = [_tag(target) for target in after.split(",")]
    language = None if before == AUTO else _tag(before)
    if len(set(tags)) != len(tags) or language in tags or len(tags) > MAX_TARGETS:
        raise InboxPathInvalid(f"Up to {MAX_TARGETS} targets, each once, and none of them the source.")
    return InboxOrder(language, tags, parts[-1])


def _tag(text: str) -> str:
    try:
        return canonical(text.replace("_", "-"))
    except ValueError:
        raise InboxPathInvalid(f"'{text[:40]}' is not a language; write tags such as es or pt_BR.") from None


def display_name(filename: str) -> str:
    """A file name as a client sent it, without its folders and control characters, at most 255 long."""
    last = _CONTROL.sub("", re.split(r"[/\\]", filename)[-1])[:255]
    return "" if last in {".", ".."} else last
