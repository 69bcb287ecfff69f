"""A form's fields as the model names them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.core.errors import InvalidInput
from shared.edge import http
from shared.edge.content import arguments
from shared.edge.http import Upload, endpoint_of
from shared.jobs.schemas import CreateJob

AREAS = [[[10, 10], [200, 80.5]], [[0, 0], [9, 0], [5, 7]]]


def read(fields: dict[str, Any]) -> CreateJob:
    """What an operation that takes a job's order gets of a form."""

    def create(ctx: Any, body: CreateJob, file: Upload | None) -> None: ...

    request = Request(
        EnvironBuilder(method="POST", data=fields, content_type="multipart/form-data").get_environ()
    )
    body: CreateJob = arguments(endpoint_of(http.post("/", auth="x")(create)), request, {})["body"]
    return body


def test_lists_are_joined_by_commas_and_lists_of_lists_are_json() -> None:
    form = {"targets": "es,fr", "do_not_translate": "Blue Lagoon, Perge", "exclude": json.dumps(AREAS)}
    order = read(form)
    assert order.targets == ["es", "fr"]
    assert order.do_not_translate == ["Blue Lagoon", "Perge"]
    assert order.exclude == AREAS


def test_a_list_may_come_as_several_fields() -> None:
    assert read({"targets": ["es", "fr"]}).targets == ["es", "fr"]


@pytest.mark.parametrize("exclude", ["[[1,2],[3,4]]", "10,10", ["[]", "[]"]])
def test_areas_that_are_none_are_refused(exclude: object) -> None:
    with pytest.raises(InvalidInput):
        read({"targets": "es", "exclude": exclude})
