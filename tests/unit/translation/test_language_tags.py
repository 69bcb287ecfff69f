"""Language tags, and which languages a deployment offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.translation.errors import UnsupportedLanguage
from shared.translation.languages import Language, Languages
from shared.translation.memory import result_key
from shared.translation.tags import base, canonical


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("ZH-HANT-tw", "zh-Hant-TW"),
        ("sr-latn", "sr-Latn"),
        ("es-419", "es-419"),
        ("FIL", "fil"),
    ],
)
def test_a_tag_has_one_spelling(tag, expected):
    assert canonical(tag) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "tag",
    ["", "e", "engl", "auto", "en_US", "en-", "-en", "en--US", "en-US-x", "en-US\n", "ën", "en-1", "../es"],
)
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError):
        canonical(tag)


@given(st.text(max_size=12))
def test_any_text_is_refused_or_has_a_spelling_that_stays(text):
    try:
        tag = canonical(text)
    except ValueError:
        return
    assert canonical(tag) == tag
    assert tag.lower() == text.lower()
    assert base(tag) == tag.split("-")[0]


def test_the_base_is_the_language_alone():
    assert [base(tag) for tag in ("zh-Hant-TW", "EN-us", "es", None)] == ["zh", "en", "es", None]


def languages(*found):
    return Languages(
        RedisCache(RedisSettings()),
        lambda: [Language(code=c, name=c, source="s" in how, target="t" in how) for c, how in found],
    )


def test_languages_are_listed_by_code():
    assert [each.code for each in languages(("fr", "st"), ("de", "st")).all()] == ["de", "fr"]


def test_a_language_is_supported_with_any_region():
    known = languages(("en", "st"), ("zh-CN", "st"))
    known.require("en-GB", ["zh-Hant-TW"])
    known.require(None, ["en"])


def test_every_language_that_is_not_offered_is_named():
    known = languages(("en", "s"), ("es", "t"))
    with pytest.raises(UnsupportedLanguage) as caught:
        known.require("es", ["en", "es", "xx"])
    assert [error.pointer for error in caught.value.errors] == [
        "/source_language",
        "/targets/0",
        "/targets/2",
    ]
    assert "'xx'" in caught.value.detail


def test_what_shapes_an_answer_is_in_its_key():
    settings = {"source": "en", "target": "es"}
    first = result_key("nmt", "global", "Hello", **settings)
    assert first == result_key("nmt", "global", "Hello", target="es", source="en")
    others = {
        result_key("llm", "global", "Hello", **settings),
        result_key("nmt", "eu", "Hello", **settings),
        result_key("nmt", "global", "hello", **settings),
        result_key("nmt", "global", "Hello", source="es", target="en"),
        result_key("nmt", "global", "Hello", source=None, target="es"),
        result_key("nmt", "global", "Hello", source="None", target="es"),
        result_key("nmtglobal", "", "Hello", **settings),
        result_key("nmt", "global", "Hello", **settings, mime="text/plain"),
    }
    assert len(others | {first}) == 9
