"""Failures of the Cloud Storage emulator, in the two forms Google answers them: JSON API and XML API."""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape


class StorageError(Exception):
    """A refused request.

    `status` is the HTTP status, `reason` the JSON API's error reason, `code` the XML API's error code,
    `elements` further elements of the XML body (name to text), `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        code: str,
        message: str,
        elements: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.code = code
        self.message = message
        self.elements = dict(elements or {})
        self.headers = dict(headers or {})

    def as_json(self) -> bytes:
        """The JSON API's error body (empty for 304, which has none)."""
        if self.status == 304:
            return b""
        item = {"message": self.message, "domain": "global", "reason": self.reason}
        return json.dumps(
            {"error": {"code": self.status, "message": self.message, "errors": [item]}}
        ).encode()

    def as_xml(self) -> bytes:
        """The XML API's error body (empty for 304, which has none)."""
        if self.status == 304:
            return b""
        parts = {"Code": self.code, "Message": self.message, **self.elements}
        body = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items())
        return f"<?xml version='1.0' encoding='UTF-8'?><Error>{body}</Error>".encode()


def bucket_not_found() -> StorageError:
    """No bucket has that name (404)."""
    return StorageError(404, "notFound", "NoSuchBucket", "The specified bucket does not exist.")


def object_not_found(bucket: str, name: str) -> StorageError:
    """No live object, or no such generation of it (404)."""
    message = f"No such object: {bucket}/{name}"
    return StorageError(404, "notFound", "NoSuchKey", message, {"Details": message})


def session_not_found() -> StorageError:
    """The resumable session never was, was cancelled, or has expired (404)."""
    return StorageError(404, "notFound", "NoSuchUpload", "The requested upload was not found.")


def condition_not_met() -> StorageError:
    """A precondition on generation or metageneration failed (412)."""
    message = "At least one of the pre-conditions you specified did not hold."
    return StorageError(412, "conditionNotMet", "PreconditionFailed", message)


def not_modified() -> StorageError:
    """A read whose "not match" condition matched (304)."""
    return StorageError(304, "notModified", "NotModified", "Not Modified")


def conflict(message: str, code: str) -> StorageError:
    """The bucket exists already, or is not empty (409)."""
    return StorageError(409, "conflict", code, message)


def invalid(message: str) -> StorageError:
    """The request is malformed (400)."""
    return StorageError(400, "invalid", "InvalidArgument", message)


def range_not_satisfiable(size: int) -> StorageError:
    """The wanted range lies outside the object of `size` bytes (416)."""
    message = "The requested range cannot be satisfied."
    headers = {"Content-Range": f"bytes */{size}"}
    return StorageError(416, "requestedRangeNotSatisfiable", "InvalidRange", message, headers=headers)


def bad_digest(kind: str, provided: str, calculated: str) -> StorageError:
    """The client's own checksum does not match the received bytes (400)."""
    message = f'Provided {kind} hash "{provided}" doesn\'t match calculated {kind} hash "{calculated}".'
    return StorageError(400, "invalid", "BadDigest", message)


def too_large() -> StorageError:
    """The body is above the upper bound of `x-goog-content-length-range` (400)."""
    message = "Your proposed upload is larger than the maximum object size specified in your Policy Document."
    details = {"Details": "Content-length exceeds upper bound on range"}
    return StorageError(400, "invalid", "EntityTooLarge", message, details)


def too_small() -> StorageError:
    """The body is below the lower bound of `x-goog-content-length-range` (400)."""
    message = (
        "Your proposed upload is smaller than the minimum object size specified in your Policy Document."
    )
    details = {"Details": "Content-length smaller than lower bound on range"}
    return StorageError(400, "invalid", "EntityTooSmall", message, details)


def not_implemented(operation: str) -> StorageError:
    """The emulator does not do this (501); it never pretends to."""
    message = f"The Cloud Storage emulator does not support: {operation}"
    return StorageError(501, "notImplemented", "NotImplemented", message)
