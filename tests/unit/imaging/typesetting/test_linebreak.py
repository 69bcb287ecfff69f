import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.imaging.typesetting.hyphenation import syllables
from shared.imaging.typesetting.linebreak import Strain, cuts
from shared.imaging.typesetting.words import clusters


def broken(text: str, language: str, strain: Strain = Strain.NATURAL) -> str:
    """The text with a bar wherever a line may end, and the hyphen that stands there then."""
    shown, last = "", 0
    for cut in cuts(text, language, strain):
        shown += text[last : cut.at] + ("-|" if cut.hyphen else "|")
        last = cut.at
    return shown + text[last:]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "wet |floor |here"),
        ("en", "self-|service |now"),
        ("en", "-5 |and |3-4"),
        ("en", "see |http://|a.b/|c-|d"),
        ("en", "it |costs |$12.50 |(net)"),
        ("fr", "12\u00a0km |d’ici"),
        ("fr", "Bonjour ! |Ça |va ?"),
        ("es", "vía |«abierta » |[hoy]"),
        ("ja", "美術館は、|毎日|九時から|開館しています。"),
        ("ja", "床、|濡|「れ」"),
        ("zh-CN", "请|勿|在|此|停车，|违者|罚款"),
        ("ko", "박물관은 |매일 |엽니다"),
        ("th", "ระวัง|พื้น|เปียก"),
        ("lo", "ດີ|ເຈົ້າ|ໄປ"),
        ("ar", "المتحف |مفتوح |(12%)"),
        ("en", "👩\u200d👩\u200d👧 |🇩🇪|🇫🇷"),
    ],
)
def test_lines_end_where_readers_expect_it(language: str, expected: str) -> None:
    assert broken(expected.replace("|", ""), language) == expected


def test_words_of_japanese_are_broken_only_under_strain() -> None:
    assert broken("毎日開館。", "ja") == "毎日|開館。"
    assert broken("毎日開館。", "ja", Strain.WITHIN_PHRASE) == "毎|日|開|館。"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Geschwin-|dig-|keits-|be-|gren-|zung"),
        ("en-GB", "hyphen-|ation"),
        ("es", "esta-|ble-|ci-|miento"),
        ("nb", "farts-|grense"),
        ("fr", "consti-|tu-|tion"),
        ("xx", "unknown"),
        ("en", "on\u00ad-|ly"),
    ],
)
def test_words_are_divided_by_their_language(language: str, expected: str) -> None:
    assert broken(expected.replace("-|", ""), language, Strain.HYPHEN) == expected


def test_short_words_and_short_ends_are_left_whole() -> None:
    assert syllables("Straße", "de") == ()
    assert syllables("Abendessen", "de") == (5,)


def test_a_pronoun_stays_with_the_verb_that_it_leans_on() -> None:
    for text, language in (("Mantenha-a na vertical", "pt"), ("Où est-ce que", "fr"), ("парк-то", "ru")):
        at = text.index("-") + 1
        assert all(at not in {cut.at for cut in cuts(text, language, s)} for s in list(Strain)[:-1])
    assert 5 in {cut.at for cut in cuts("well-known", "en", Strain.NATURAL)}


def test_as_a_last_resort_a_word_is_cut_but_joined_letters_are_not() -> None:
    assert broken("Xyzzy1", "sv", Strain.ANYWHERE) == "X-|y-|z-|z-|y|1"
    assert broken("مفتوح", "ar", Strain.ANYWHERE) == "مفتوح"
    assert broken("(a)", "sv", Strain.ANYWHERE) == "(a)"


@given(st.text(max_size=40), st.sampled_from(["en", "ja", "th", "ar"]), st.sampled_from(list(Strain)))
def test_no_cut_tears_a_character_from_its_marks(text: str, language: str, strain: Strain) -> None:
    starts, at = set(), 0
    for cluster in clusters(text):
        starts.add(at)
        at += len(cluster)
    found = [cut.at for cut in cuts(text, language, strain)]
    assert found == sorted(set(found))
    assert set(found) <= starts - {0}
