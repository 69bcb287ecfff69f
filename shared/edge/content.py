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
from shared.edge.validation import invalid, validate

MULTIPART = "multipart/form-data"
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
    """SHA-256 over method, path with query, and content; a multipart body counts by fields and file."""
    upload = found.get("file")
    if request.mimetype == MULTIPART:
        fields = json.dumps(sorted(request.form.items(multi=True)))
        content = fields.encode() + (upload.digest().encode() if upload else b"")
    else:
        content = request.get_data()
    line = f"{endpoint.method} {request.full_path}\n".encode()
    return sha256(line + content).hexdigest()


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
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge(f"The content is larger than {request.max_content_length} bytes.")
    return MalformedRequest()


def _path_arguments(wanted: Signature, path: dict[str, str]) -> dict[str, Any]:
    if not all(storable(text) for text in path.values()):
        raise NotFound
    try:
        return {name: kind.validate_python(path[name]) for name, kind in wanted.path_types.items()}
    except ValidationError:
        raise NotFound from None


def _content(wanted: Signature, request: Request) -> dict[str, Any]:
    kind = request.mimetype
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


def _multipart(wanted: Signature, request: Request) -> dict[str, Any]:
    try:
        files = request.files
    except HTTPException as error:
        raise unreadable(error, request) from None
    except ValueError:
        raise MalformedRequest("The multipart content could not be read.") from None
    uploads = list(files.items(multi=True))
    if [name for name, _ in uploads if name != "request"] not in ([], ["file"]):
        raise InvalidInput(errors=[FieldError("/file", "too-many", "There must be one part named file.")])
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


def _form(model: type[BaseModel], request: Request) -> Any:
    """The model from the part `request` (JSON, with or without a file name), or from plain fields."""
    fields = request.form
    if "request" in request.files:
        return json_model(model, request.files["request"].stream.read())
    if "request" in fields:
        if len(fields) > 1:
            raise InvalidInput("Beside the part named request there must be no other fields.")
        return json_model(model, fields["request"].encode(errors="surrogatepass"))
    return validate(model, _texts(model, fields))


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
    return [part for part in texts[0].split(",") if part] if len(texts) == 1 else texts


def _list_fields(model: type[BaseModel]) -> set[str]:
    fields = model.model_fields.items()
    return {info.alias or name for name, info in fields if _is_list(info.annotation)}


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (list, set, frozenset, tuple):
        return True
    members: Iterable[Any] = typing.get_args(hint) if origin is not None else ()
    return any(_is_list(m) for m in members)


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
