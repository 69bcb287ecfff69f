"""Reading a request: body, form, file, query, path parameters and preconditions, each into its model."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, get_origin

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from shared.core.errors import FieldError, ImangorError, InvalidInput, MalformedRequest, NotFound, TooLarge
from shared.edge.endpoint import Endpoint, Signature
from shared.edge.errors import PreconditionRequired, UnsupportedContentType
from shared.edge.reply import JSON
from shared.edge.strict_json import loads, storable
from shared.edge.upload import Upload
from shared.edge.validation import MAX_ERRORS, MAX_STEP, invalid, validate

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"|([\x21\x23-\x2b\x2d-\x7e]+)')


def arguments(endpoint: Endpoint, request: Request, path: dict[str, str]) -> dict[str, Any]:
    """The validated arguments of an operation but `ctx`.

    Raises `NotFound` for a path that cannot name anything, `MalformedRequest`, `TooLarge`,
    `UnsupportedContentType`, `PreconditionRequired`, `InvalidInput`.
    """
    wanted = endpoint.signature
    found = _path_arguments(wanted, path)
    if wanted.query is not None:
        found["query"] = validate(wanted.query, _texts(wanted.query, request.args), "/query")
    if wanted.if_match:
        found["if_match"] = _if_match(request, wanted.if_match_optional)
    if wanted.body is not None or wanted.file:
        found |= _content(wanted, request)
    return found


def fingerprint(endpoint: Endpoint, request: Request, found: dict[str, Any]) -> str:
    """SHA-256 over method, path with query, the body as it was understood, and the file's name and content.

    So the framing does not matter, nor what the client left to the defaults of this deployment.
    """
    body, upload = found.get("body"), found.get("file")
    order = None if body is None else body.model_dump_json(exclude_unset=True)
    file = None if upload is None else [upload.filename, upload.digest()]
    parts = [endpoint.method, request.full_path, order, file]
    return sha256(json.dumps(parts).encode()).hexdigest()


def read_body(request: Request) -> bytes:
    """The whole body; raises `TooLarge` beyond the limit set on the request, or `MalformedRequest`."""
    try:
        raw = request.get_data()
        if request.content_length is None:
            # Werkzeug cuts a body of unannounced length at the limit and raises only when more is asked for.
            request.stream.read(1)
    except HTTPException as error:
        raise unreadable(error, request) from None
    return raw


def unreadable(error: HTTPException, request: Request) -> ImangorError:
    """Our error for what Werkzeug says while it reads a request."""
    if not isinstance(error, RequestEntityTooLarge):
        return MalformedRequest("The content ended before it was complete.")
    limit, announced = request.max_content_length, request.content_length
    if limit is not None and announced is not None and announced <= limit:
        parts, field = request.max_form_parts, request.max_form_memory_size
        return TooLarge(f"The content has more than {parts} parts, or fields of more than {field} bytes.")
    return TooLarge(f"The content is larger than {limit} bytes.")


def _path_arguments(wanted: Signature, path: dict[str, str]) -> dict[str, Any]:
    if not all(storable(text) for text in path.values()):
        raise NotFound
    try:
        return {name: kind.validate_python(path[name]) for name, kind in wanted.path_types.items()}
    except ValidationError:
        raise NotFound from None


def _content(wanted: Signature, request: Request) -> dict[str, Any]:
    kind = request.mimetype
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedContentType("The content must be sent as it is, without Content-Encoding.")
    if wanted.urlencoded and wanted.body is not None:
        return {"body": _urlencoded(wanted.body, request)}
    if kind == MULTIPART and wanted.file:
        return _multipart(wanted, request)
    raw = read_body(request)
    found: dict[str, Any] = {"file": None} if wanted.file else {}
    if not raw and not kind and wanted.body_optional:
        return found | {"body": None}
    if wanted.file and not wanted.file_optional:
        raise UnsupportedContentType(f"The content must be {MULTIPART}.")
    if wanted.body is None or kind != JSON:
        expected = JSON if not wanted.file else f"{JSON} or {MULTIPART}"
        raise UnsupportedContentType(f"The content must be {expected}.")
    return found | {"body": json_model(wanted.body, raw)}


def json_model(model: type[BaseModel], raw: bytes) -> Any:
    """Validate a JSON text; raises `MalformedRequest` or `InvalidInput`."""
    data = loads(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error, data) from None


def _urlencoded(model: type[BaseModel], request: Request) -> Any:
    if request.mimetype != URLENCODED:
        raise UnsupportedContentType(f"The content must be {URLENCODED}.")
    try:
        fields = request.form
    except HTTPException as error:
        raise unreadable(error, request) from None
    try:
        return validate(model, _texts(model, fields))
    except InvalidInput as error:
        # OAuth 2.0 knows 400 for everything that is wrong with a form.
        raise MalformedRequest(errors=error.errors) from None


def _multipart(wanted: Signature, request: Request) -> dict[str, Any]:
    try:
        files = request.files
    except HTTPException as error:
        raise unreadable(error, request) from None
    except ValueError:
        raise MalformedRequest("The multipart content could not be read.") from None
    _check_parts(request)
    found: dict[str, Any] = {}
    if wanted.form is not None:
        found["body"] = _form(wanted.form, request)
    if "file" in files:
        part = files["file"]
        found["file"] = Upload(part.filename or "", part.mimetype, part.stream)
    elif wanted.file_optional:
        found["file"] = None
    else:
        raise InvalidInput(errors=[FieldError("/file", "required", "A part named file is required.")])
    return found


def _check_parts(request: Request) -> None:
    """At most one file, named `file`; Werkzeug reads what is no multipart content as one without parts."""
    files, fields = request.files, request.form
    names = [*files, *fields]
    if not names:
        raise MalformedRequest(
            "The multipart content cannot be read: it must be complete, its boundary that of Content-Type, "
            "and the names of its parts UTF-8."
        )
    if None in names:
        raise MalformedRequest("A part of the multipart content has no name.")
    wrong = [
        FieldError(f"/{name[:MAX_STEP]}", "unknown-member", "The file must be a part named file.")
        for name in files
        if name not in ("file", "request")
    ]
    if len(files.getlist("file")) > 1:
        wrong.append(FieldError("/file", "too-many", "There must be only one part named file."))
    if "file" in fields:
        wrong.append(FieldError("/file", "type", "The part named file must have a file name."))
    if wrong:
        raise InvalidInput(errors=wrong[:MAX_ERRORS])


def _form(model: type[BaseModel], request: Request) -> Any:
    """The model from the part `request` (JSON, with or without a file name), or from plain fields."""
    files, fields = request.files.getlist("request"), request.form
    if not files and "request" not in fields:
        return validate(model, _texts(model, fields))
    if len(files) + len(list(fields.items(multi=True))) > 1:
        raise InvalidInput("Beside the part named request there must be no other part but file.")
    return json_model(model, files[0].stream.read() if files else fields["request"].encode())


def _texts(model: type[BaseModel], fields: MultiDict[str, str]) -> dict[str, Any]:
    """Fields as the model names them; one text of a list-typed field is split at its commas."""
    lists = _list_fields(model)
    found: dict[str, Any] = {}
    for name, texts in fields.lists():
        if not all(storable(text) for text in (name, *texts)):
            raise MalformedRequest("A text holds U+0000 or half of a surrogate pair.")
        if name in lists:
            found[name] = _split(texts)
        elif len(texts) > 1:
            raise InvalidInput(errors=[FieldError(f"/{name}", "too-many", "This may occur only once.")])
        else:
            found[name] = texts[0]
    return found


def _split(texts: list[str]) -> list[str]:
    return [part.strip() for part in texts[0].split(",") if part.strip()] if len(texts) == 1 else texts


def _list_fields(model: type[BaseModel]) -> set[str]:
    """Fields that hold a list of plain values. What is nested deeper comes as one text, such as JSON."""
    fields = model.model_fields.items()
    return {info.alias or name for name, info in fields if _depth(info.annotation) == 1}


def _depth(hint: Any) -> int:
    """How many lists lie within each other in a type."""
    origin = get_origin(hint)
    members: Iterable[Any] = typing.get_args(hint) if origin is not None else ()
    inner = max((_depth(member) for member in members), default=0)
    return inner + (origin in (list, set, frozenset, tuple))


def _if_match(request: Request, optional: bool) -> str | None:
    """The opaque part of one entity tag, or `*`; weakness is ignored, since ours compare by revision."""
    raw = request.headers.get("If-Match")
    if raw is None:
        if optional:
            return None
        raise PreconditionRequired
    match = _ENTITY_TAG.fullmatch(raw.strip())
    if match is None:
        raise MalformedRequest("If-Match must hold one entity tag.")
    return match[1] if match[1] is not None else match[2]
