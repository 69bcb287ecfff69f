"""What a target costs at its end: its price, or nothing where nothing was bought for it."""

import io

import pytest
from PIL import Image

from shared.jobs.charges import hold_credits, hold_pages, why_free
from shared.jobs.endings import complete_target
from shared.jobs.receipts import receipt_of
from shared.jobs.repository import JobRepository
from shared.ledger.errors import InsufficientCredits
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Page, Scene, Source
from shared.translation.memory import bought_for, keep

TEXTS = [b"t" * 32, b"u" * 32]


def scene(pages=0):
    sizes = [Page(width=8, height=8)] * pages
    source = Source(sha256="0" * 64, media_type="image/tiff", width=8, height=8, pages=sizes)
    return Scene(source=source, engine="test", blocks=[])


class Work:
    """A job of a desk, its picture read and its languages done without any worker."""

    def __init__(self, desk, *targets, bought=False, pages=0, retries=None):
        self.desk = desk
        values = {} if retries is None else {"parent_id": retries.id, "origin": "parent"}
        self.id = desk.database.job(desk.account, *targets, state="processing", **values)
        desk.database.run("update job_targets set state = 'processing' where job_id = :j", j=self.id)
        with desk.uow() as uow:
            hold_credits(uow, self.record(uow), targets)
            SceneRepository(uow).add(self.id, scene(pages), bought=bought)

    def record(self, uow):
        return JobRepository(uow).get(self.id)

    def buy(self, *keys):
        with self.desk.uow() as uow:
            keep(uow, dict.fromkeys(keys, "text"), self.id)

    def end(self, target, texts=(), called=False):
        """Why the target is free, after it ended."""
        with self.desk.uow() as uow:
            free = why_free(uow, self.record(uow), list(texts), called=called)
            complete_target(uow, self.record(uow), target, {}, free)
        return free

    def charges(self):
        with self.desk.uow() as uow:
            receipt = receipt_of(uow, self.record(uow))
        return [(c.target, c.kind, c.credits, c.reason) for c in receipt.charges], receipt.credits


def test_a_target_for_which_nothing_was_bought_is_free_and_the_receipt_says_why(desk):
    Work(desk).buy(*TEXTS)
    work = Work(desk, "es", "fr")
    assert desk.balance == (8, 2)
    assert work.end("es", TEXTS) == "remembered"
    assert work.end("fr") == "nothing_to_translate"
    assert desk.balance == (10, 0)
    assert work.charges() == (
        [
            ("es", "hold", 1, None),
            ("fr", "hold", 1, None),
            ("es", "capture", 0, "remembered"),
            ("fr", "capture", 0, "nothing_to_translate"),
        ],
        0,
    )


def test_one_bought_text_makes_its_target_cost_the_price_and_no_other(desk):
    Work(desk).buy(TEXTS[0])
    work = Work(desk, "es", "fr")
    work.buy(TEXTS[1])
    assert work.end("fr", [TEXTS[0]]) == "remembered"
    assert work.end("es", TEXTS) is None
    assert desk.balance == (9, 0)


def test_what_another_worker_remembered_first_was_bought_all_the_same(desk):
    Work(desk).buy(*TEXTS)
    assert Work(desk, "es").end("es", TEXTS, called=True) is None


@pytest.mark.parametrize("first", ["es", "fr"])
def test_bought_recognition_is_in_the_price_of_each_target_whichever_ends_first(desk, first):
    Work(desk).buy(*TEXTS)
    work = Work(desk, "es", "fr", bought=True)
    assert work.end(first, TEXTS) is None
    assert work.end("fr" if first == "es" else "es") is None
    assert desk.balance == (8, 0)


def test_a_retry_costs_what_the_first_try_would_have_cost(desk):
    parent = Work(desk, "es", bought=True)
    parent.buy(TEXTS[0])
    child = Work(desk, "es", retries=parent)
    grandchild = Work(desk, "es", retries=child)
    with desk.uow() as uow:
        assert bought_for(uow, TEXTS, grandchild.id)
        assert not bought_for(uow, TEXTS[1:], grandchild.id)
        assert not bought_for(uow, TEXTS, Work(desk).id)
    assert grandchild.end("es", TEXTS) is None


def test_a_retry_takes_over_that_its_scene_was_bought(desk):
    for bought in (True, False):
        parent, child = Work(desk, "es", bought=bought), desk.database.job(desk.account)
        with desk.uow() as uow:
            assert SceneRepository(uow).copy(parent.id, child)
            assert SceneRepository(uow).was_bought(child) is bought


def test_further_pages_are_held_once(desk):
    work = Work(desk, "es", "fr", bought=True, pages=3)
    for _ in range(2):
        with desk.uow() as uow:
            assert SceneRepository(uow).pages(work.id) == 3
            hold_pages(uow, work.record(uow), 3)
    assert desk.balance == (4, 6)
    work.end("es")
    with desk.uow() as uow:
        hold_pages(uow, work.record(uow), 3)
    work.end("fr")
    assert desk.balance == (4, 0)
    assert work.charges()[1] == 6


def test_one_page_is_what_was_held(desk):
    work = Work(desk, "es")
    with desk.uow() as uow:
        assert SceneRepository(uow).pages(work.id) == 1
        hold_pages(uow, work.record(uow), 1)
    assert desk.balance == (9, 1)


def test_pages_that_the_balance_does_not_cover_are_refused(desk):
    work = Work(desk, "es", "fr", pages=7)
    with pytest.raises(InsufficientCredits), desk.uow() as uow:
        hold_pages(uow, work.record(uow), 7)
    assert desk.balance == (8, 2)


class Tiff:
    """A file of so many pages that comes with an order."""

    filename = "pages.tiff"

    def __init__(self, pages):
        out = io.BytesIO()
        first, *others = (Image.new("RGB", (8, 8)) for _ in range(pages))
        first.save(out, "TIFF", save_all=True, append_images=others)
        self._data = out.getvalue()

    def data(self):
        return self._data


def test_the_pages_of_a_file_that_comes_with_the_order_are_held_at_once(desk):
    job = desk.create("es", "fr", file=Tiff(3)).id
    assert desk.balance == (4, 6)
    with desk.uow() as uow:
        hold_pages(uow, JobRepository(uow).get(job), 3)
    assert desk.balance == (4, 6)
    with pytest.raises(InsufficientCredits):
        desk.create("es", file=Tiff(5))
    assert desk.balance == (4, 6)
