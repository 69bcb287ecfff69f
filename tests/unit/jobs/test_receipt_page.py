"""The receipt's page: whole, escaped, and without anything that runs."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.receipt_page import receipt_page
from shared.jobs.schemas import Receipt

BEGAN = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
JOB = "job_01k9z3v5w8x2y4a6b8c0d2e4f6"
VOID = {"meta"}


class Page(HTMLParser):
    """Which elements there are, and all that is written between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.words = set(), [], ""
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not [
            name for name, _ in attributes if name.startswith("on") or name in {"src", "href", "style"}
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def receipt(name="sign.jpg", error=None, **step):
    call = {"provider": "vision", "method": "document_text", "units": 1, "milliseconds": 812, "retries": 1}
    facts = {
        "attempt": 0,
        "started_at": BEGAN,
        "finished_at": BEGAN + timedelta(seconds=1.5),
        "cache_hits": 2,
    }
    done = {"step": "render", "target": "pt-BR", "outcome": "failed" if error else "done", "error": error}
    counted = {"bytes_read": 900, "bytes_written": 204800, "calls": [call], "credits": 3}
    charge = {"target": "pt-BR", "kind": "capture", "credits": 3, "at": BEGAN, "reason": None}
    return Receipt.model_validate(
        {
            "job": JOB,
            "name": name,
            "state": "completed",
            "provider_calls": {"vision": 1},
            "credits": 3,
            "steps": [{**facts, **done, **counted, **step}],
            "charges": [charge],
        }
    )


def test_it_shows_every_step_call_and_credit():
    words = Page(receipt_page(receipt())).words
    for fact in ("sign.jpg", JOB, "render pt-BR", "1.50 s", "900 B", "200.0 KiB", "capture", "completed"):
        assert fact in words
    assert "vision document_text: 1 unit, 812 ms, 1 retried, ok" in words


def test_it_is_complete_and_runs_nothing():
    page = Page(receipt_page(receipt()))
    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe", "form", "a", "object"}


def test_a_job_that_has_done_nothing_has_a_page():
    nothing = receipt().model_copy(update={"steps": [], "charges": [], "name": ""})
    words = Page(receipt_page(nothing)).words
    assert "No step has been done yet." in words
    assert "No credits have moved." in words


@given(st.text(), st.text(min_size=1))
def test_what_customers_and_errors_say_is_text_and_nothing_else(name, error):
    hostile = receipt(f"<script>{name}</title>", f"<img src=x onerror={error}>")
    page = Page(receipt_page(hostile))
    assert page.open == []
    assert not page.tags & {"script", "img"}
