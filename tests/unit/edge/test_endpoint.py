from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from shared.edge import http
from shared.edge.endpoint import Endpoint, Rate
from shared.edge.http import MAX_OPERATIONS, Reply, Upload, endpoint_of, mount

if TYPE_CHECKING:
    from shared.context import Context


class Body(BaseModel):
    text: str


class Form(Body):
    pass


def test_a_decorator_leaves_a_record_and_nothing_else():
    def create(ctx: Context, body: Body) -> Reply[Body]:
        """Create one.

        At length.
        """
        raise AssertionError

    assert http.post("/", auth="x:write", rate="30/minute", status=201)(create) is create
    record = endpoint_of(create)
    assert isinstance(record, Endpoint)
    assert (record.name, record.method, record.summary) == ("create", "POST", "Create one.")
    assert record.description == "At length."
    assert record.rate == Rate(30, 60)
    assert (record.signature.body, record.signature.result) == (Body, Body)
    with pytest.raises(AttributeError):
        record.auth = None  # type: ignore[misc]


def test_auth_must_be_spelled():
    with pytest.raises(TypeError):
        http.get("/")  # type: ignore[call-arg]


@pytest.mark.parametrize("rate", ["", "0/minute", "30", "30/week", "-1/second", "1.5/second", "30/minute "])
def test_a_rate_is_a_number_a_window(rate: str):
    with pytest.raises(ValueError):
        Rate.parse(rate)


def _no_annotation(ctx, body): ...  # type: ignore[no-untyped-def]
def _stranger(ctx: Any, thing: str) -> None: ...
def _body_is_text(ctx: Any, body: str) -> None: ...
def _file_is_bytes(ctx: Any, file: bytes) -> None: ...


@pytest.mark.parametrize("function", [_no_annotation, _stranger, _body_is_text, _file_is_bytes])
def test_a_signature_that_cannot_be_served_is_refused(function: Any):
    with pytest.raises(TypeError):
        http.post("/", auth="x")(function)


def test_each_name_in_the_route_is_a_parameter():
    def read(ctx: Any) -> None: ...

    with pytest.raises(TypeError):
        http.get("/{note_id}", auth="x")(read)


@pytest.mark.parametrize("route", ["", "x", "/x/", "//", "/{}", "/<x>", "/{x"])
def test_a_route_is_a_template(route: str):
    def read(ctx: Any) -> None: ...

    with pytest.raises(ValueError):
        http.get(route, auth="x")(read)


def test_only_unsafe_operations_of_somebody_are_idempotent_by_key():
    def do(ctx: Any) -> None: ...

    with pytest.raises(ValueError):
        http.get("/", auth="x", idempotent=True)(do)
    with pytest.raises(ValueError):
        http.post("/", auth=None, idempotent=True)(do)


def test_every_unsafe_operation_of_somebody_is_idempotent_by_key_unless_it_opts_out():
    def do(ctx: Any) -> None: ...

    found = [
        endpoint_of(words(do)).idempotent
        for words in (
            http.get("/", auth="x"),
            http.post("/", auth=None),
            http.post("/", auth="x"),
            http.delete("/", auth="x", transaction=False),
            http.post("/", auth="x", idempotent=False),
        )
    ]
    assert found == [False, False, True, True, False]


def test_a_form_may_have_a_model_of_its_own():
    def create(ctx: Any, body: Body | Form, file: Upload) -> None: ...

    signature = endpoint_of(http.post("/", auth="x", multipart=Form)(create)).signature
    assert (signature.body, signature.form, signature.file_optional) == (Body, Form, False)


def _operation(number: int) -> Any:
    def operation(ctx: Any) -> None: ...

    operation.__name__ = f"operation_{number}"
    return http.get(f"/{number}", auth="x")(operation)


def test_a_function_has_one_to_twelve_operations_all_different():
    mount("many", *map(_operation, range(MAX_OPERATIONS)))
    with pytest.raises(ValueError):
        mount("many", *map(_operation, range(MAX_OPERATIONS + 1)))
    with pytest.raises(ValueError):
        mount("none")
    with pytest.raises(ValueError):
        mount("twice", _operation(1), _operation(1))
    with pytest.raises(TypeError):
        mount("undeclared", lambda ctx: None)
