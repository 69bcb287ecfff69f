from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from shared.edge.validation import MAX_ERRORS, MAX_STEP, invalid, pointer, validate


class Upload(BaseModel):
    kind: Literal["upload"]


class Address(BaseModel):
    kind: Literal["url"]
    url: AnyUrl


def _custom(value: str) -> str:
    if value == "bad":
        raise PydanticCustomError("bad-word", "This word is not allowed.")
    return value


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: Annotated[Upload | Address, Field(discriminator="kind")]
    sizes: list[int] = []
    when: AwareDatetime | None = None
    seen: datetime | None = None
    either: int | list[str] = 0
    word: Annotated[str, AfterValidator(_custom)] = ""
    labels: dict[str, int] = {}
    alias: str = Field("", alias="from", pattern="^a")


def found(data: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(data)
    return {e.pointer: e.code for e in invalid(caught.value, data).errors}


UPLOAD = {"kind": "upload"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {"/source": "required"}),
        ({"source": {}}, {"/source": "required"}),
        ({"source": {"kind": "x"}}, {"/source": "choice"}),
        ({"source": {"kind": "url"}}, {"/source/url": "required"}),
        ({"source": {"kind": "url", "url": "x"}}, {"/source/url": "type"}),
        ({"source": UPLOAD, "sizes": [1, "x", 2.5]}, {"/sizes/1": "type", "/sizes/2": "type"}),
        ({"source": UPLOAD, "when": "2026-01-01T00:00:00"}, {"/when": "type"}),
        ({"source": UPLOAD, "seen": "yesterday"}, {"/seen": "type"}),
        ({"source": UPLOAD, "either": {}}, {"/either": "type"}),
        ({"source": UPLOAD, "either": [1]}, {"/either": "type", "/either/0": "type"}),
        ({"source": UPLOAD, "word": "bad"}, {"/word": "bad-word"}),
        ({"source": UPLOAD, "labels": {"a": "x"}}, {"/labels/a": "type"}),
        ({"source": UPLOAD, "from": "b"}, {"/from": "pattern"}),
        ([], {"": "type"}),
    ],
)
def test_pointers_lead_into_the_callers_data(data: object, expected: dict[str, str]):
    assert found(data) == expected


def test_a_flood_of_errors_is_cut():
    data = {"source": UPLOAD, "sizes": ["x"] * 1000}
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(data)
    assert len(invalid(caught.value, data).errors) == MAX_ERRORS


def test_nothing_of_the_value_or_the_library_is_told():
    with pytest.raises(ValidationError) as caught:
        Order.model_validate({"source": UPLOAD, "sizes": ["hunter2"]})
    error = invalid(caught.value, {"source": UPLOAD, "sizes": ["hunter2"]}).errors[0]
    assert "hunter2" not in error.detail
    assert "pydantic" not in error.detail


def test_pointers_escape_and_can_stand_under_another():
    assert pointer(("a/b", "~", 0), {"a/b": {"~": [1]}}) == "/a~1b/~0/0"
    with pytest.raises(Exception, match="not valid") as caught:
        validate(Upload, {"kind": "x"}, "/query")
    assert caught.value.errors[0].pointer == "/query/kind"


def test_sentences_count_as_people_do_and_names_are_not_repeated_at_length():
    class Few(BaseModel):
        model_config = ConfigDict(extra="forbid")

        one: list[int] = Field(min_length=1)
        ten: list[int] = Field(min_length=10)

    with pytest.raises(ValidationError) as caught:
        Few.model_validate({"one": [], "ten": [], "x" * 5000: 1})
    found = {e.pointer: e.detail for e in invalid(caught.value, {"one": [], "ten": [], "x" * 5000: 1}).errors}
    assert found["/one"] == "This must have at least 1 item."
    assert found["/ten"] == "This must have at least 10 items."
    assert "/" + "x" * MAX_STEP in found
