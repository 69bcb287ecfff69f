"""Quotes, and the jobs that come of them, on the real database."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import pytest
from PIL import Image

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import InvalidInput
from shared.core.ids import new_id
from shared.jobs.quoting import keep_quote
from shared.jobs.repository import JobRepository
from shared.jobs.schemas import CreateJob
from shared.jobs.upkeep import Upkeep
from shared.ledger.errors import InsufficientCredits
from shared.quotes.errors import QuoteExceeded, QuoteExpired, QuoteMismatch, QuoteNotFound, QuoteUsed
from shared.quotes.schemas import CreateQuote
from shared.quotes.service import QuoteService
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Block, Scene, Source, Style
from shared.translation.errors import UnsupportedLanguage
from shared.translation.memory import keep, recognition_key
from shared.translation.service import translation_keys

NO_CACHE = RedisCache(RedisSettings())


class File:
    """A TIFF of so many pages, sent with a request."""

    filename = "sign.tiff"

    def __init__(self, pages=1, colour="white"):
        out = io.BytesIO()
        first, *others = (Image.new("RGB", (8, 8), colour) for _ in range(pages))
        first.save(out, "TIFF", save_all=True, append_images=others)
        self._data = out.getvalue()

    def data(self):
        return self._data

    @property
    def sha256(self):
        return hashlib.sha256(self._data).hexdigest()


def quote(desk, *targets, file=None, **declared):
    order = CreateQuote.model_validate({"targets": list(targets), **declared})
    with desk.uow() as uow:
        return QuoteService(lambda: uow, desk.languages).create(desk.principal, order, file)


def read(desk, quote_id):
    with desk.uow() as uow:
        return QuoteService(lambda: uow, desk.languages).get(quote_id)


def create(desk, *targets, quote, file=None, source="auto", **more):
    named = {"targets": list(targets), "source_language": source, "quote": quote}
    order = CreateJob.model_validate(named | more)
    return desk.call("create", desk.principal, order, file)


def buy(desk, file, *targets, words="Exit", **job):
    """Let the account have bought what these bytes need for the targets."""
    corners = [(0, 0), (4, 0), (4, 4), (0, 4)]
    block = Block(id="b0", polygon=corners, lines=[], text=words, style=Style(size=4))
    source = Source(sha256=file.sha256, media_type="image/tiff", width=8, height=8)
    scene = Scene(source=source, engine="test", language="en", blocks=[block])
    with desk.uow() as uow:
        SceneRepository(uow).add(desk.database.job(desk.account, *targets, **job), scene, bought=True)
        keep(uow, {recognition_key("global", file.sha256, None): {}})
        for target in targets:
            keep(uow, dict.fromkeys(translation_keys(scene, "global", None, target).values(), "Salida"))


def test_a_file_is_measured_and_priced_for_an_hour(desk):
    made = quote(desk, "fr", "es", file=File(pages=3))
    assert (made.medium, made.media_type, made.units.pages) == ("picture", "image/tiff", 3)
    assert [(t.language, t.credits, t.free) for t in made.targets] == [("es", 3, False), ("fr", 3, False)]
    assert (made.credits, made.price_version, made.available) == (6, 1, True)
    assert made.expires_at - made.created_at == timedelta(hours=1)
    assert read(desk, made.id) == made
    assert desk.balance == (10, 0)


@pytest.mark.parametrize(
    ("declared", "medium", "credits", "available"),
    [
        ({"medium": "picture"}, "picture", 1, True),
        ({"medium": "picture", "pages": 4, "pixels": 10**6}, "picture", 4, True),
        ({"medium": "speech", "seconds": 60.2}, "speech", 2, False),
        ({"medium": "document", "pages": 12}, "document", 12, False),
        ({"medium": "document", "characters": 1801}, "document", 2, False),
        ({"medium": "text", "characters": 2500}, "text", 3, False),
        ({"text": "🎈" * 1001}, "text", 2, False),
    ],
)
def test_facts_can_be_declared(desk, declared, medium, credits, available):
    made = quote(desk, "es", **declared)
    assert (made.medium, made.credits, made.available) == (medium, credits, available)


def test_what_has_nothing_to_price_is_refused(desk):
    with pytest.raises(InvalidInput):
        quote(desk, "es")
    with pytest.raises(InvalidInput):
        quote(desk, "es", file=File(), medium="picture")
    with pytest.raises(UnsupportedLanguage):
        quote(desk, "la", medium="picture")
    with pytest.raises(QuoteNotFound):
        read(desk, new_id("quo"))


def test_a_quote_belongs_to_its_account(desk, database):
    made = quote(desk, "es", medium="picture")
    stranger = type(desk)(database, 10)
    with pytest.raises(QuoteNotFound):
        read(stranger, made.id)
    with pytest.raises(QuoteNotFound):
        create(stranger, "es", quote=made.id)


def test_a_job_holds_what_was_quoted_and_the_quote_names_it(desk):
    made = quote(desk, "es", "fr", file=File(pages=3))
    job = create(desk, "es", quote=made.id, file=File(pages=2))
    assert job.quote == made.id
    assert desk.balance == (7, 3)
    assert read(desk, made.id).job == job.id


def test_a_job_asks_for_nothing_that_was_not_quoted(desk, database):
    picture, speech = quote(desk, "es", medium="picture"), quote(desk, "es", medium="speech", seconds=9)
    for targets, used, source in (
        (["es", "fr"], picture, "auto"),
        (["es"], picture, "en"),
        (["es"], speech, "auto"),
    ):
        with pytest.raises(QuoteMismatch):
            create(desk, *targets, quote=used.id, source=source)
    database.move_clock(timedelta(hours=1, seconds=1))
    with pytest.raises(QuoteExpired):
        create(desk, "es", quote=picture.id)
    assert database.value("select count(*) from jobs") == 0


def test_a_larger_file_is_refused_before_it_is_kept(desk):
    made = quote(desk, "es", medium="picture")
    with pytest.raises(QuoteExceeded, match="2 pages"):
        create(desk, "es", quote=made.id, file=File(pages=2))
    assert desk.uploads.files == {}
    assert desk.balance == (10, 0)
    assert create(desk, "es", quote=made.id, file=File()).quote == made.id


def test_a_larger_upload_is_found_out_before_anything_is_bought(desk):
    made = quote(desk, "es", medium="picture")
    job = create(desk, "es", quote=made.id)
    with desk.uow() as uow:
        record = JobRepository(uow).get(job.id)
        keep_quote(uow, record, 1, "0" * 64)
        with pytest.raises(QuoteExceeded):
            keep_quote(uow, record, 2, "0" * 64)


def test_a_quote_is_for_one_job_however_many_ask_at_once(desk, together):
    made = quote(desk, "es", medium="picture")

    def order():
        other = type(desk).__new__(type(desk))
        other.__dict__ |= {**desk.__dict__}
        other.service = type(desk.service)(
            lambda: other.current, desk.uow, desk.uploads, desk.languages, desk.service._cache
        )
        return create(other, "es", quote=made.id)

    answers = together(*[order] * 10)
    refused = [a for a in answers if isinstance(a, QuoteUsed)]
    assert len(refused) == 9
    assert desk.balance == (9, 1)


def test_a_refused_job_leaves_its_quote_unused(desk, database):
    made = quote(desk, "es", medium="picture", pages=11)
    with pytest.raises(InsufficientCredits):
        create(desk, "es", quote=made.id)
    assert read(desk, made.id).job is None


def test_what_was_bought_before_is_free_and_nothing_is_held_for_it(desk):
    file = File()
    buy(desk, file, "es")
    made = quote(desk, "es", "fr", file=file)
    assert [(t.language, t.credits, t.free) for t in made.targets] == [("es", 0, True), ("fr", 1, False)]
    create(desk, "es", "fr", quote=made.id, file=file)
    assert desk.balance == (9, 1)


def test_another_file_or_source_language_is_not_free(desk):
    file = File()
    buy(desk, file, "es")
    assert quote(desk, "es", file=File(colour="red")).credits == 1
    assert quote(desk, "es", file=file, source_language="en").credits == 1
    free = quote(desk, "es", file=file)
    assert free.credits == 0
    with pytest.raises(QuoteExceeded, match="another"):
        create(desk, "es", quote=free.id, file=File(colour="red"))


@pytest.mark.parametrize("job", [{"source_language": "en"}, {"leave_alone": "{}"}])
def test_a_scene_that_needs_fewer_texts_than_the_job_would_makes_nothing_free(desk, job):
    file = File()
    buy(desk, file, words="12", **job)
    assert quote(desk, "es", file=file).credits == 1


def test_a_job_from_a_free_quote_leaves_nothing_alone(desk):
    file = File()
    buy(desk, file, "es")
    free = quote(desk, "es", file=file)
    with pytest.raises(QuoteMismatch, match="left alone"):
        create(desk, "es", quote=free.id, file=file, do_not_translate=["Exit"])


def test_quotes_are_forgotten_a_week_after_they_expired(desk, database):
    made = quote(desk, "es", medium="picture")
    for ahead, left in ((timedelta(days=7), 1), (timedelta(days=7, hours=2), 0)):
        database.move_clock(ahead)
        Upkeep(
            lambda account: database.uow(account, system=True),
            lambda effects: None,
            RedisCache(RedisSettings()),
        ).sweep()
        assert database.value("select count(*) from quotes where id = :q", q=made.id) == left
