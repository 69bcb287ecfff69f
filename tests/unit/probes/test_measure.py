"""What a file is and how much of it there is, by its content alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.errors import ImangorError, UnsupportedMedia
from shared.imaging.errors import TooManyPixels, UnreadablePicture
from shared.probes.content import measure
from shared.probes.facts import Facts, TooMuchInside, UnreadableFile
from tests.unit.probes import media

W = '<w:document xmlns:w="w"><w:p><w:t>Hello </w:t><w:t>wörld</w:t></w:p><w:x>no</w:x></w:document>'
XLSX = {
    "xl__workbook": "<workbook/>",
    "xl__sharedStrings": "<sst><si><t>one</t></si><si><t>two</t></si></sst>",
    "xl__worksheets__sheet1": '<s><c t="inlineStr"><is><t>x</t></is></c><c><v>12</v></c></s>',
}
PPTX = {"ppt__presentation": "<p/>", "ppt__slides__slide1": '<p xmlns:a="a"><a:t>Title</a:t></p>'}
PO = 'msgid ""\nmsgstr "Language: es"\n\nmsgid "Hello"\nmsgstr "Hola"\n\nmsgid ""\n"two "\n"lines"\n'


def named(value):
    """A test's name without the file in it."""
    return getattr(value, "media_type", None) or getattr(value, "__name__", "file")


PAGE = "<!doctype html><html><style>p{}</style><script>x<y</script><p>Tea &amp; toast</p><!-- no --></html>"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (media.picture(), Facts("picture", "image/png", pages=1, pixels=200)),
        (media.picture("TIFF", 3), Facts("picture", "image/tiff", pages=3, pixels=200)),
        (media.picture("GIF"), Facts("picture", "image/gif", pages=1, pixels=200)),
        (media.pdf(4), Facts("document", "application/pdf", pages=4)),
        (media.wav(2.5), Facts("speech", "audio/wav", seconds=2.5)),
        (media.flac(96000, 48000), Facts("speech", "audio/flac", seconds=2)),
        (media.ogg(media.OPUS, 48000, 96312), Facts("speech", "audio/ogg", seconds=2)),
        (media.ogg(media.VORBIS, 44100, 66150, -1), Facts("speech", "audio/ogg", seconds=1.5)),
        (media.mp4(90), Facts("speech", "video/mp4", seconds=90)),
        (media.mp4(7.5, b"M4A ", 1), Facts("speech", "audio/mp4", seconds=7.5)),
        (media.webm(12.5), Facts("speech", "video/webm", seconds=12.5)),
        (media.webm(12.5, live=True), Facts("speech", "video/webm", seconds=12.5)),
        ("héllo 🎈".encode(), Facts("document", "text/plain", characters=7)),
        ("hallo".encode("utf-16"), Facts("document", "text/plain", characters=5)),
        (b"BMW is a car", Facts("document", "text/plain", characters=12)),
        (b"a,b\r\n1,2\r\n", Facts("document", "text/plain", characters=8)),
        (media.SRT.encode(), Facts("document", "application/x-subrip", characters=13)),
        (b"WEBVTT\n\nNOTE no\n\n00:01.000 --> 00:02.000\nHi", Facts("document", "text/vtt", characters=2)),
        (b'{"key": "one", "b": ["two", 3]}', Facts("document", "application/json", characters=6)),
        (PO.encode(), Facts("document", "text/x-gettext-translation", characters=14)),
        (PAGE.encode(), Facts("document", "text/html", characters=11)),
    ],
    ids=named,
)
def test_a_file_is_what_its_content_says(data, expected):
    assert measure(data) == expected


@pytest.mark.parametrize(
    ("parts", "kind", "characters"),
    [
        ({"word__document": W, "word__footer1": W}, "wordprocessingml", 22),
        (XLSX, "spreadsheetml", 7),
        (PPTX, "presentationml", 5),
    ],
)
def test_office_documents_count_their_text(parts, kind, characters):
    facts = measure(media.office(**parts))
    assert (facts.medium, facts.characters) == ("document", characters)
    assert kind in facts.media_type


@pytest.mark.parametrize(("frames", "tag"), [(1, 0), (77, 0), (77, 1000)])
def test_an_mp3_is_as_long_as_its_frames(frames, tag):
    assert measure(media.mp3(frames, tag)).seconds == pytest.approx(frames * 1152 / 44100)


@given(seconds=st.floats(0.01, 80_000))
def test_a_film_is_as_long_as_its_header_says(seconds):
    assert measure(media.webm(seconds)).seconds == pytest.approx(seconds)
    assert measure(media.mp4(seconds, version=1)).seconds == pytest.approx(seconds, abs=1 / 600)


@given(text=st.text(min_size=1, alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r")))
def test_plain_text_counts_code_points(text):
    try:
        facts = measure(("A note.\n" + text).encode())
    except UnreadableFile:
        pytest.fail("plain text was refused")
    assert (facts.media_type, facts.characters) == ("text/plain", len(text) + 8)


BOMB = "<a>" + " " * 70_000_000
ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbb">]><a><t>&b;</t></a>'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnreadableFile),
        (b"  \n\t ", UnreadableFile),
        (b"\x7fELF" + bytes(100), UnsupportedMedia),
        (bytes(range(256)), UnsupportedMedia),
        (media.picture()[:30], UnreadablePicture),
        (media.picture("BMP", size=(1, 1)).replace(b"\x01\x00\x00\x00", b"\xff\xff\x00\x00"), TooManyPixels),
        (media.pdf(1)[:60], UnreadableFile),
        (media.office(other="<a/>"), UnsupportedMedia),
        (media.office(word__document=W)[:-30], UnreadableFile),
        (media.office(word__document=BOMB), TooMuchInside),
        (media.office(word__document=ENTITIES), UnreadableFile),
        (media.office(**{f"n{i}": "" for i in range(20_000)}), TooMuchInside),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), UnsupportedMedia),
        (media.wav(0), UnreadableFile),
        (media.flac(0, 48000), UnreadableFile),
        (media.flac(48000, 0), UnreadableFile),
        (media.ogg(b"\x80theora"), UnreadableFile),
        (media.mp4(0), UnreadableFile),
        (media.mp4(10**6), UnreadableFile),
        (media.webm(10**6), UnreadableFile),
        (b'{"a": ', None),
        (b'{"a": }', UnreadableFile),
        (b"[" + b"[" * 100_000 + b"]", UnreadableFile),
        (b"a" * (5 * 1024 * 1024 + 1), TooMuchInside),
    ],
    ids=named,
)
def test_what_cannot_be_measured_is_refused_soon_with_a_reason(data, error):
    began = time.monotonic()
    if error is None:
        assert measure(data).media_type == "text/plain"
    else:
        with pytest.raises(error) as raised:
            measure(data)
        assert raised.value.detail.endswith(".")
    assert time.monotonic() - began < 5


SAMPLES = [
    media.picture("TIFF", 2), media.pdf(2), media.office(word__document=W), media.office(**XLSX),
    media.wav(0.1), media.flac(9, 3), media.ogg(media.OPUS, 5000), media.ogg(media.VORBIS, 5000),
    media.mp3(3, 20), media.mp4(2), media.webm(2), media.webm(2, live=True), media.SRT.encode(),
    PAGE.encode(), PO.encode(), b'{"a": ["b"]}',
]  # fmt: skip


def facts_or_error(data):
    try:
        return measure(data)
    except ImangorError as error:
        return error


def is_clear(found):
    if isinstance(found, ImangorError):
        return 400 <= found.status < 500
    amounts = (found.pages, found.seconds, found.characters, found.pixels)
    return all(amount is None or amount >= 0 for amount in amounts)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damage_gives_facts_or_a_clear_error(data):
    sample = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(0, 6))):
        sample[data.draw(st.integers(0, len(sample) - 1))] = data.draw(st.integers(0, 255))
    assert is_clear(facts_or_error(bytes(sample[: data.draw(st.integers(0, len(sample)))])))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_give_facts_or_a_clear_error(data):
    assert is_clear(facts_or_error(data))
