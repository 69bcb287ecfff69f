"""Quotes, limits, usage and settings, as a caller of the public API meets them."""

from __future__ import annotations

import pytest
import requests

from local.testing import until

pytestmark = pytest.mark.cloud


def quote(caller, data, targets="es"):
    fields = {"targets": targets, "source_language": "en"}
    return caller.call("POST", "/v1/quotes", data=fields, files={"file": ("sign.png", data)})


def slug(reply):
    return reply.json()["type"].rsplit("/", 1)[1]


def test_a_picture_is_quoted_bought_and_free_the_second_time(new_caller, draw):
    caller, picture = new_caller(credits=9), draw()
    first = quote(caller, picture)
    assert first.status_code == 201, first.text
    assert caller.call("GET", first.headers["Location"]).json() == first.json()
    assert (first.json()["credits"], first.json()["available"]) == (1, True)
    order = {"targets": "es", "source_language": "en", "quote": first.json()["id"]}
    job = caller.call("POST", "/v1/jobs", data=order, files={"file": ("sign.png", picture)})
    assert job.status_code == 201, job.text
    again = caller.call("POST", "/v1/jobs", data=order, files={"file": ("sign.png", picture)})
    assert (again.status_code, slug(again)) == (409, "quote-used")
    assert caller.ended(job.json()["id"])["state"] == "completed"
    second = quote(caller, picture).json()
    assert second["targets"] == [{"language": "es", "credits": 0, "free": True}]
    free = caller.call("POST", "/v1/jobs", json={"quote": second["id"]}).json()
    put = free["upload"]["put"]
    requests.put(put["url"], data=picture, headers=put["headers"], timeout=10)
    assert caller.ended(free["id"])["state"] == "completed"
    assert caller.call("GET", f"/v1/jobs/{free['id']}/receipt").json()["credits"] == 0
    assert caller.call("GET", "/v1/credits").json()["available"] == 8


def test_an_upload_that_is_more_than_quoted_fails_before_anything_is_bought(new_caller, draw):
    caller = new_caller(credits=9)
    quoted = quote(caller, draw()).json()
    job = caller.order(quote=quoted["id"])
    reads = caller.cloud.counters("vision").get("calls", {})
    put = job["upload"]["put"]
    requests.put(put["url"], data=_pages(2), headers=put["headers"], timeout=10)
    ended = caller.ended(job["id"])
    assert (ended["state"], ended["error"]["slug"]) == ("failed", "quote-exceeded")
    assert caller.cloud.counters("vision").get("calls", {}) == reads
    assert caller.call("GET", "/v1/credits").json()["available"] == 9


def _pages(number):
    import io

    from PIL import Image

    out = io.BytesIO()
    first, *others = (Image.new("RGB", (64, 64), "white") for _ in range(number))
    first.save(out, "TIFF", save_all=True, append_images=others)
    return out.getvalue()


@pytest.mark.parametrize(
    ("order", "status", "word"),
    [
        ({"targets": ["es"], "medium": "speech", "seconds": 61}, 201, None),
        ({"targets": ["es"]}, 422, "invalid-input"),
        ({"targets": ["es"], "medium": "speech", "pages": 1}, 422, "invalid-input"),
        ({"targets": ["tlh"], "text": "Hello"}, 422, "unsupported-language"),
    ],
)
def test_declared_facts_are_quoted_or_refused(caller, order, status, word):
    reply = caller.call("POST", "/v1/quotes", json=order)
    assert reply.status_code == status, reply.text
    if word is None:
        assert (reply.json()["credits"], reply.json()["available"]) == (2, False)
    else:
        assert slug(reply) == word


def test_a_limit_refuses_jobs_until_the_day_is_over(new_caller):
    caller = new_caller(credits=9)
    limits = {"daily": 1, "monthly": None}
    assert caller.call("PUT", "/v1/account/limits", json=limits).json()["daily"] == 1
    caller.order()
    refused = caller.call("POST", "/v1/jobs", json={"targets": ["es"], "source_language": "en"})
    assert (refused.status_code, slug(refused)) == (429, "spend-limit-reached")
    assert 0 < int(refused.headers["Retry-After"]) <= 86400
    events = caller.call("GET", "/v1/webhooks/events").json()["events"]
    assert [event["type"] for event in events] == ["spend.limit_reached"]
    (row,) = caller.call("GET", "/v1/account/usage?group_by=key,medium").json()["rows"]
    assert (row["jobs"], row["medium"], row["credits"]) == (1, "picture", 0)


def test_settings_are_changed_under_their_tag_and_honoured(new_caller, draw):
    caller = new_caller(credits=9)
    tag = caller.call("GET", "/v1/account/settings").headers["ETag"]
    change = {"source_language": "en", "targets": ["es"]}
    assert caller.call("PATCH", "/v1/account/settings", json=change).status_code == 428
    changed = caller.call("PATCH", "/v1/account/settings", json=change, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["targets"]) == (200, ["es"])
    late = caller.call("PATCH", "/v1/account/settings", json=change, headers={"If-Match": tag})
    assert (late.status_code, slug(late)) == (412, "settings-changed")
    job = caller.call("POST", "/v1/jobs", json={}).json()
    assert (job["source_language"], [t["language"] for t in job["targets"]]) == ("en", ["es"])
    caller.drop("sign.png", draw())
    until(lambda: f"results/{caller.account}/sign.png/es.png" in caller.objects("results/"), 60)


def test_only_an_owner_sets_limits(new_caller):
    caller = new_caller(scopes=("jobs:read", "account:write"))
    reply = caller.call("PUT", "/v1/account/limits", json={"daily": None, "monthly": None})
    assert reply.status_code == 403
