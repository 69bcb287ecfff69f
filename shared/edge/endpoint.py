"""The typed record that a decorator leaves on an operation, and how an operation's signature is read."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from shared.core.errors import ImangorError
from shared.core.scopes import PERSON
from shared.edge.reply import JSON, Reply
from shared.edge.upload import Upload

_WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"(?P<limit>[1-9]\d*)/(?P<unit>second|minute|hour|day)")
_ROUTE = re.compile(r"/|(/(\.?[a-z0-9][a-z0-9_.:-]*|\{[a-z_]+\}))+")
SAFE = frozenset({"GET", "HEAD"})
Trial = Literal["begins", "own"]


@dataclass(frozen=True)
class Rate:
    """`limit` requests in `window` seconds, counted per principal and operation."""

    limit: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `30/minute`; the unit is second, minute, hour or day. Raises ValueError."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a rate such as 30/minute")
        return cls(int(match["limit"]), _WINDOWS[match["unit"]])


@dataclass(frozen=True, eq=False)
class Signature:
    """What an operation takes and gives, by the names of its parameters."""

    path: dict[str, Any]
    body: type[BaseModel] | None = None
    body_optional: bool = False
    form: type[BaseModel] | None = None
    file: bool = False
    file_optional: bool = False
    query: type[BaseModel] | None = None
    if_match: bool = False
    if_match_optional: bool = False
    result: type[BaseModel] | None = None
    returns_nothing: bool = False
    takes_context: bool = True
    urlencoded: bool = False

    @cached_property
    def path_types(self) -> dict[str, TypeAdapter[Any]]:
        """The validators of the path parameters."""
        return {name: TypeAdapter(hint) for name, hint in self.path.items()}


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One operation: everything that the caller must know about it."""

    name: str
    method: str
    route: str
    auth: str | None
    rate: Rate | None
    idempotent: bool
    status: int
    errors: tuple[type[ImangorError], ...]
    produces: str
    transaction: bool
    signed: bool
    oauth: bool
    trial: Trial | None
    signature: Signature
    function: Callable[..., Any]

    @property
    def summary(self) -> str:
        """The first line of the operation's docstring."""
        return (self.function.__doc__ or "").strip().split("\n")[0]

    @property
    def description(self) -> str:
        """The rest of the operation's docstring."""
        return inspect.cleandoc(self.function.__doc__ or "").partition("\n")[2].strip()


def declare(
    function: Callable[..., Any],
    method: str,
    route: str,
    *,
    auth: str | None,
    rate: str | None = None,
    idempotent: bool | None = None,
    status: int = 200,
    errors: Sequence[type[ImangorError]] = (),
    multipart: type[BaseModel] | None = None,
    produces: str = JSON,
    transaction: bool = True,
    signed: bool = False,
    oauth: bool = False,
    trial: Trial | None = None,
) -> Endpoint:
    """Build the record of an operation; raises ValueError or TypeError where the declaration is wrong."""
    by_key = method not in SAFE and auth is not None
    _check(function.__name__, route, method, auth, signed, trial)
    if idempotent and not by_key:
        raise ValueError(f"{function.__name__}: only unsafe operations with auth can be idempotent by key")
    return Endpoint(
        name=function.__name__,
        method=method,
        route=route,
        auth=auth,
        rate=None if rate is None else Rate.parse(rate),
        idempotent=by_key if idempotent is None else idempotent,
        status=status,
        errors=tuple(errors),
        produces=produces,
        transaction=transaction,
        signed=signed,
        oauth=oauth,
        trial=trial,
        signature=replace(_read(function, route, multipart), urlencoded=oauth),
        function=function,
    )


def _check(name: str, route: str, method: str, auth: str | None, signed: bool, trial: Trial | None) -> None:
    if not _ROUTE.fullmatch(route):
        raise ValueError(f"{route!r} is not a route such as /{{job_id}}/outputs")
    if signed and (auth is not None or method in SAFE):
        raise ValueError(f"{name}: a signed message comes with no other credential, and is sent")
    if trial and auth in {None, PERSON}:
        raise ValueError(f"{name}: a visitor stands in for a caller with an account")


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function but that of `ctx`, which its module may import for typing only."""
    wanted = {k: v for k, v in function.__annotations__.items() if k != "ctx"}
    bare = types.SimpleNamespace(__annotations__=wanted)
    return typing.get_type_hints(bare, globalns=function.__globals__, include_extras=True)


def _read(function: Callable[..., Any], route: str, multipart: type[BaseModel] | None) -> Signature:
    hints = hints_of(function)
    names = list(inspect.signature(function).parameters)
    placeholders = re.findall(r"\{([a-z_]+)\}", route)
    known = {"ctx", "body", "file", "query", "if_match"}
    missing = [n for n in names if n not in hints and n != "ctx"]
    strangers = [n for n in names if n not in known and n not in placeholders]
    unused = [n for n in placeholders if n not in names]
    if missing or strangers or unused:
        raise TypeError(f"{function.__name__}: parameters {missing + strangers + unused} do not fit {route}")
    body, body_optional = _models(function, hints.get("body"))
    query, _ = _models(function, hints.get("query"))
    file_types, file_optional = _members(hints.get("file"))
    if file_types and file_types != [Upload]:
        raise TypeError(f"{function.__name__}: file must be an Upload")
    _, if_match_optional = _members(hints.get("if_match"))
    json_body = next((m for m in body if m is not multipart), None)
    return Signature(
        path={n: hints[n] for n in placeholders},
        body=json_body,
        body_optional=body_optional,
        form=multipart or (json_body if file_types else None),
        file=bool(file_types),
        file_optional=file_optional,
        query=query[0] if query else None,
        if_match="if_match" in names,
        if_match_optional=if_match_optional,
        result=_result(hints.get("return")),
        returns_nothing=hints.get("return") is type(None),
        takes_context="ctx" in names,
    )


def _members(hint: Any) -> tuple[list[Any], bool]:
    """The members of a union but None, and whether None was one of them."""
    if hint is None:
        return [], False
    if get_origin(hint) in (Union, types.UnionType):
        members = list(get_args(hint))
        return [m for m in members if m is not type(None)], type(None) in members
    return [hint], False


def _models(function: Callable[..., Any], hint: Any) -> tuple[list[type[BaseModel]], bool]:
    members, optional = _members(hint)
    if any(not (isinstance(m, type) and issubclass(m, BaseModel)) for m in members):
        raise TypeError(f"{function.__name__}: body and query are pydantic models")
    return members, optional


def _result(hint: Any) -> type[BaseModel] | None:
    inner = get_args(hint)[0] if get_origin(hint) is Reply else hint
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
