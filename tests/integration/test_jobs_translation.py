"""Scenes in the database, and translating them without buying anything twice."""

import re
import threading

import pytest

from shared.core.errors import TransientError
from shared.providers.call import Call
from shared.providers.translate import ENGINE, Translated
from shared.scenes.errors import SceneNotFound
from shared.scenes.repository import SceneRepository, translated
from shared.scenes.schemas import Block, Flag, LeaveAlone, Line, Scene, Source, Style, Translation
from shared.scenes.service import SceneService
from shared.translation.memory import bought, keep
from shared.translation.service import SceneTranslator, needs_translation

SQUARE = [(0, 0), (10, 0), (10, 5), (0, 5)]


def scene(*texts, language="en", languages=()):
    blocks = [
        Block(
            id=f"b{n}",
            polygon=SQUARE,
            lines=[Line(polygon=SQUARE, text=text)],
            text=text,
            style=Style(size=5),
            language=dict(languages).get(n),
        )
        for n, text in enumerate(texts)
    ]
    source = Source(sha256="0" * 64, media_type="image/png", width=20, height=10)
    return Scene(source=source, language=language, engine="test", blocks=blocks)


class Shouting:
    """Translates by shouting, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def translate(self, texts, source, target, mime="text/plain"):
        self.asked.append((list(texts), source, target))
        call = Call("translate", "translate_text", sum(map(len, texts)), 10, 0)
        return [Translated(f"{text.upper()} ({target})") for text in texts], [call]


@pytest.fixture
def shouting():
    return Shouting()


def translate(desk, translator, what, source="en", target="es", location="global"):
    return SceneTranslator(desk.uow, translator, location).translate(what, source, target)


def test_a_picture_costs_one_call_a_language_and_nothing_the_second_time(desk, shouting):
    what = scene("Exit", "No parking", "42", "Exit")
    first = translate(desk, shouting, what)
    assert shouting.asked == [(["Exit", "No parking"], "en", "es")]
    assert {name: t.text for name, t in first.blocks.items()} == {
        "b0": "EXIT (es)",
        "b1": "NO PARKING (es)",
        "b2": "",
        "b3": "EXIT (es)",
    }
    assert (len(first.calls), first.cache_hits) == (1, 0)
    second = translate(desk, shouting, what)
    assert len(shouting.asked) == 1
    assert (second.calls, second.cache_hits) == ([], 2)
    assert {name: t.text for name, t in second.blocks.items()} == {n: t.text for n, t in first.blocks.items()}
    assert [t.cached for t in second.blocks.values()] == [True, True, False, True]


def test_only_what_is_new_is_bought(desk, shouting):
    translate(desk, shouting, scene("Exit"))
    result = translate(desk, shouting, scene("Exit", "Entrance"))
    assert shouting.asked[1:] == [(["Entrance"], "en", "es")]
    assert [(t.engine, t.cached) for t in result.blocks.values()] == [(ENGINE, True), (ENGINE, False)]


@pytest.mark.parametrize("other", [{"target": "fr"}, {"source": "de"}, {"source": None}, {"location": "eu"}])
def test_another_language_or_location_is_another_purchase(desk, shouting, other):
    what = scene("Exit", language=None)
    translate(desk, shouting, what)
    assert len(translate(desk, shouting, what, **other).calls) == 1


def test_another_engine_is_another_purchase(desk, shouting, monkeypatch):
    translate(desk, shouting, scene("Exit"))
    monkeypatch.setattr("shared.translation.service.ENGINE", "another")
    assert len(translate(desk, shouting, scene("Exit")).calls) == 1


def test_one_account_never_reads_what_another_bought(desk, shouting):
    translate(desk, shouting, scene("Exit"))
    other = desk.__class__(desk.database, 0)
    assert len(translate(other, shouting, scene("Exit")).calls) == 1


def test_nothing_is_asked_when_nothing_needs_translation(desk, shouting):
    what = scene("42", "www.example.com", "Cuidado con el escalón", languages={2: "es"})
    result = translate(desk, shouting, what)
    assert shouting.asked == []
    assert {name: (t.text, t.engine, t.flags) for name, t in result.blocks.items()} == {
        "b0": ("", "kept", []),
        "b1": ("", "kept", []),
        "b2": ("", "kept", [Flag.NOT_TRANSLATED]),
    }


def test_an_unknown_source_is_the_one_that_recognition_found(desk, shouting):
    translate(desk, shouting, scene("Exit", language="en-GB"), source=None)
    assert shouting.asked == [(["Exit"], "en-GB", "es")]


def test_when_the_provider_fails_nothing_is_remembered(desk, shouting):
    class Down:
        def translate(self, *arguments):
            raise TransientError

    with pytest.raises(TransientError):
        translate(desk, Down(), scene("Exit"))
    assert len(translate(desk, shouting, scene("Exit")).calls) == 1


@pytest.mark.parametrize(
    ("text", "block_language", "source", "target", "needed"),
    [
        ("Exit", None, "en", "es", True),
        ("Cuidado con el escalón", "es", "en", "es", False),
        ("Cuidado con el escalón", "es-MX", "en", "es", False),
        # A few letters do not show their language.
        ("Salida", "es", "en", "es", True),
        ("Exit", "en", "es", "es", True),
        ("Exit", None, None, "es", True),
        ("小心地滑请走", "zh", "zh-CN", "zh-TW", True),
        ("Atenção ao degrau à frente", "pt-BR", None, "pt-PT", True),
        ("Exit", "en", "en", "en-GB", False),
        # Letters that the target alone has, and letters that it never has.
        ("출구", "ko", "en", "ko", False),
        ("ทางออก", None, "en", "th", False),
        ("Выход", "ru", "en", "ru", False),
        ("Exit from the museum", "ru", "ru", "ru", True),
    ],
)
def test_text_that_is_in_the_target_language_already_stays(text, block_language, source, target, needed):
    what = scene(text, languages={0: block_language})
    assert needs_translation(what.blocks[0], what, source, target) is needed


def left_alone(what, **named):
    return what.model_copy(update={"leave_alone": LeaveAlone(**named)})


class Marking(Shouting):
    """Translates HTML as the provider does: all but what must stay; `spoils` changes that, too."""

    def __init__(self, spoils=False):
        super().__init__()
        self.spoils = spoils

    def translate(self, texts, source, target, mime="text/plain"):
        self.asked.append((list(texts), mime))
        call = Call("translate", "translate_text", sum(map(len, texts)), 10, 0)
        parts = [re.split(r'(<span translate="no">.*?</span>)', text) for text in texts]
        shouted = [
            "".join(p if i % 2 and not self.spoils else p[::-1] for i, p in enumerate(s)) for s in parts
        ]
        return [Translated(text) for text in shouted], [call]


def test_terms_and_addresses_come_through_a_translation_as_they_are(desk):
    engine = Marking()
    what = left_alone(
        scene("Visit Blue Lagoon at www.example.com!", "Tea & cake", "BLUE LAGOON"),
        do_not_translate=["Blue Lagoon"],
    )
    result = translate(desk, engine, what)
    assert [mime for _, mime in engine.asked] == ["text/html"]
    assert "Blue Lagoon" in result.blocks["b0"].text
    assert "www.example.com" in result.blocks["b0"].text
    assert "<" not in result.blocks["b0"].text
    assert (result.blocks["b2"].text, result.blocks["b2"].flags) == ("", [])
    assert translate(desk, engine, what).calls == []
    # The same text without its term is another answer.
    assert translate(desk, engine, scene("Visit Blue Lagoon at www.example.com!")).calls


def test_a_text_whose_term_was_lost_stays_and_says_so(desk):
    what = left_alone(scene("Visit Blue Lagoon"), do_not_translate=["Blue Lagoon"])
    result = translate(desk, Marking(spoils=True), what)
    assert result.blocks["b0"] == Translation(
        text="", engine="kept", flags=[Flag.NOT_TRANSLATED, Flag.TERM_LOST]
    )


def test_excluded_texts_are_not_bought(desk, shouting):
    what = scene("Exit", "Logo text")
    what.blocks[1].flags.append(Flag.EXCLUDED)
    result = translate(desk, shouting, what)
    assert [asked[0] for asked in shouting.asked] == [["Exit"]]
    assert result.blocks["b1"] == Translation(text="", engine="kept", flags=[Flag.EXCLUDED])


def test_answers_are_kept_once_and_the_first_stays(desk):
    answers = {bytes([n]) * 32: f"text {n}" for n in range(20)}
    with desk.uow() as uow:
        keep(uow, answers)
        keep(uow, dict.fromkeys(answers, "another"))
        keep(uow, {})
        assert bought(uow, [*answers, b"unknown"]) == answers
        assert bought(uow, []) == {}


def test_workers_that_keep_the_same_answers_lock_them_in_the_same_order(desk):
    low, high, raised = b"a" * 32, b"b" * 32, []

    def both():
        try:
            with desk.uow() as uow:
                keep(uow, {high: "x", low: "x"})
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=both)
    with desk.uow() as uow:
        keep(uow, {low: "x"})
        thread.start()
        thread.join(0.2)
        keep(uow, {high: "x"})
    thread.join(5)
    assert raised == []


def test_a_scene_is_read_with_the_translations_made_so_far(desk):
    job, what = desk.create("es", "fr").id, scene("Exit", "42")
    es = {"b0": Translation(text="Salida", engine="x", flags=[Flag.OVERFLOW_RISK])}
    with desk.uow() as uow:
        scenes = SceneRepository(uow)
        assert not scenes.exists(job)
        assert scenes.find(job) is None
        scenes.add(job, what)
        assert scenes.exists(job)
        assert scenes.find(job) == what
        scenes.translate(job, "es", {"b0": Translation(text="Fuera", engine="x")})
        scenes.translate(job, "es", es)
        assert scenes.find(job) == translated(what.model_copy(deep=True), "es", es)


def test_a_copied_scene_has_no_translations(desk):
    parent, child, what = desk.create("es").id, desk.create("es").id, scene("Exit")
    with desk.uow() as uow:
        scenes = SceneRepository(uow)
        assert not scenes.copy(parent, child)
        scenes.add(parent, what)
        scenes.translate(parent, "es", {"b0": Translation(text="Salida", engine="x")})
        assert scenes.copy(parent, child)
        assert scenes.find(child) == what


def test_a_removed_scene_leaves_nothing(desk):
    job = desk.create("es").id
    with desk.uow() as uow:
        SceneRepository(uow).add(job, scene("Exit"))
        SceneRepository(uow).translate(job, "es", {"b0": Translation(text="Salida", engine="x")})
        SceneRepository(uow).remove(job)
    for table in ("scenes", "scene_translations"):
        assert desk.database.rows(f"select job_id from {table}") == []  # noqa: S608 - our own names


def test_a_scene_is_shown_to_its_own_account_only(desk):
    job, what = desk.create("es").id, scene("Exit")
    with desk.uow() as uow:
        with pytest.raises(SceneNotFound):
            SceneService(lambda: uow).get(job)
        SceneRepository(uow).add(job, what)
        assert SceneService(lambda: uow).get(job) == what
    other = desk.__class__(desk.database, 0)
    with other.uow() as uow, pytest.raises(SceneNotFound):
        SceneService(lambda: uow).get(job)
