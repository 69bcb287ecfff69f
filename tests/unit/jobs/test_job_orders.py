"""What a caller may order."""

import json

import pytest
from pydantic import ValidationError

from shared.core.ids import new_id
from shared.jobs.messages import ProcessImage
from shared.jobs.schemas import CreateJob, JobFilter
from shared.translation.order import MAX_TARGETS


@pytest.mark.parametrize(
    ("order", "targets", "language"),
    [
        ({"targets": ["es"]}, ["es"], None),
        ({"targets": "es, pt-br"}, ["es", "pt-BR"], None),
        ({"targets": ["ZH-hant-tw"], "source_language": "EN"}, ["zh-Hant-TW"], "en"),
        ({"targets": ["es"], "source_language": "auto"}, ["es"], None),
    ],
)
def test_languages_are_written_in_one_way(order, targets, language):
    read = CreateJob.model_validate(order)
    assert (read.targets, read.language) == (targets, language)


@pytest.mark.parametrize(
    "order",
    [
        {"targets": []},
        {"targets": ""},
        {"targets": ["es", "ES"]},
        {"targets": ["en"], "source_language": "EN"},
        {"targets": ["auto"]},
        {"targets": ["../es"]},
        {"targets": ["es\n"]},
        {"targets": [f"a{c}" for c in "abcdefghijklmnopqrstuvwxyz"][: MAX_TARGETS + 1]},
        {"targets": ["es"], "unknown": 1},
        {"targets": ["es"], "name": "a/b.jpg"},
        {"targets": ["es"], "name": "a\\b.jpg"},
        {"targets": ["es"], "name": "a\x00b.jpg"},
        {"targets": ["es"], "name": ".."},
        {"targets": ["es"], "name": "x" * 256},
        {"targets": ["es"], "exclude": "not JSON"},
        {"targets": ["es"], "exclude": "[" * 100_000},
        {"targets": ["es"], "exclude": [[[0, 0]]]},
        {"targets": ["es"], "exclude": [[[0, 0], [1, 2, 3]]]},
        {"targets": ["es"], "exclude": [[[0, 0], [-1, 5]]]},
        {"targets": ["es"], "exclude": [[[0, 0], [float("nan"), 5]]]},
        {"targets": ["es"], "exclude": [[[0, 0], [9, 9]]] * 51},
        {"targets": ["es"], "exclude": [[[n, n] for n in range(21)]]},
        {"targets": ["es"], "do_not_translate": [""]},
        {"targets": ["es"], "do_not_translate": ["  "]},
        {"targets": ["es"], "do_not_translate": ["<b>"]},
        {"targets": ["es"], "do_not_translate": ["a\x00b"]},
        {"targets": ["es"], "do_not_translate": ["x" * 101]},
        {"targets": ["es"], "do_not_translate": [str(n) for n in range(201)]},
    ],
)
def test_a_wrong_order_is_refused(order):
    with pytest.raises(ValidationError):
        CreateJob.model_validate(order)


def test_what_is_left_alone_reads_the_same_from_a_form():
    areas = [[[10, 10], [200, 80.5]], [[0, 0], [9, 0], [5, 7]]]
    order = CreateJob.model_validate(
        {"targets": ["es"], "exclude": areas, "do_not_translate": ["Aspendos", "Perge"]}
    )
    form = {"targets": "es", "exclude": json.dumps(areas), "do_not_translate": "Aspendos, Perge"}
    assert CreateJob.model_validate(form) == order
    assert order.left_alone == {"exclude": areas, "do_not_translate": ["Aspendos", "Perge"]}
    assert CreateJob.model_validate({"targets": ["es"]}).left_alone is None


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"state": "lost"}, {"cursor": "x" * 201}])
def test_a_wrong_filter_is_refused(wrong):
    with pytest.raises(ValidationError):
        JobFilter.model_validate(wrong)


def test_a_task_holds_ids_only():
    task = {"account": "acc_1", "job": new_id("job"), "step": "render", "target": "es"}
    assert ProcessImage.model_validate(task).model_dump() == task
    with pytest.raises(ValidationError):
        ProcessImage.model_validate(task | {"text": "secret"})
