"""What object names mean, and that no name leads out of its account's folder."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.names import (
    DroppedInto,
    InboxPathInvalid,
    UploadedFor,
    classify,
    display_name,
    error_object,
    read_inbox_path,
    results_prefix,
    source_object,
)
from shared.translation.order import MAX_TARGETS

ACCOUNT, JOB = "acc_01k9z3v5w8x2y4a6b8c0d2e4f6", "job_01k9z3v5w8x2y4a6b8c0d2e4f6"
PATHS = st.lists(
    st.one_of(
        st.sampled_from(
            ["", ".", "..", "...", " ", "\\", "..\\..", "\x00", "\n", "%2e%2e", "en-es", ACCOUNT]
        ),
        st.text(max_size=8),
    ),
    max_size=6,
).map("/".join)


def test_an_upload_is_known_by_its_account_and_job():
    assert classify(source_object(ACCOUNT, JOB)) == UploadedFor(ACCOUNT, JOB)


def test_a_file_in_an_inbox_is_known_by_its_account():
    assert classify(f"inbox/{ACCOUNT}/en-es/a/b.jpg") == DroppedInto(ACCOUNT, "en-es/a/b.jpg")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "inbox",
        f"inbox/{ACCOUNT}",
        f"inbox/{ACCOUNT}/",
        f"inbox/{ACCOUNT}/en-es/",
        f"inbox//{ACCOUNT}/en-es/a.jpg",
        f"/inbox/{ACCOUNT}/en-es/a.jpg",
        f"Inbox/{ACCOUNT}/en-es/a.jpg",
        f"inbox/{ACCOUNT.upper()}/en-es/a.jpg",
        f"inbox/{ACCOUNT}\n/en-es/a.jpg",
        f"inbox/{JOB}/en-es/a.jpg",
        "inbox/../uploads/a.jpg",
        f"inbox/{ACCOUNT}/en-es/a\x00.jpg",
        f"uploads/{ACCOUNT}/{JOB}/source/",
        f"uploads/{ACCOUNT}/{JOB}/source\n",
        f"uploads/{ACCOUNT}/{JOB}/sources",
        f"uploads/{ACCOUNT}/{ACCOUNT}/source",
        f"uploads/{ACCOUNT}//source",
        f"results/{ACCOUNT}/{JOB}/source",
    ],
)
def test_anything_else_is_nothing_of_ours(name):
    assert classify(name) is None


@pytest.mark.parametrize("length", [852, 975])
def test_a_path_too_long_for_its_results_is_refused_and_its_error_still_has_a_name(length):
    path = "en-es/" + "é" * ((length - 10) // 2) + ".png"
    with pytest.raises(InboxPathInvalid):
        read_inbox_path(path)
    prefix = results_prefix(ACCOUNT, path)
    assert len((prefix + "zh-Hant-TW.webp").encode()) <= 1024
    assert error_object(prefix) != error_object(results_prefix(ACCOUNT, path[:-1] + "x"))


@given(PATHS)
def test_no_results_path_leaves_the_accounts_folder(path):
    prefix = results_prefix(ACCOUNT, path)
    for name in (prefix + "es.png", prefix + "scene.json", error_object(prefix)):
        top, account, *rest = name.split("/")
        assert (top, account) == ("results", ACCOUNT)
        assert rest
        assert not {"", ".", ".."} & set(rest)
        assert not any(c < " " or c in "\x7f\\" for c in name)


@given(st.text())
def test_whatever_is_classified_names_its_own_account(text):
    place = classify(f"inbox/{ACCOUNT}/{text}")
    assert place is None or place == DroppedInto(ACCOUNT, text)


@given(st.text())
def test_a_display_name_has_no_folder_and_no_control_character(filename):
    name = display_name(filename)
    assert len(name) <= 255
    assert name not in {".", ".."}
    assert not any(c < " " or c in "\x7f/\\" for c in name)


@pytest.mark.parametrize(
    ("path", "source", "targets"),
    [
        ("en-es/sign.jpg", "en", ["es"]),
        ("auto-es,fr/sign.jpg", None, ["es", "fr"]),
        ("zh_TW-en,pt_BR/menus/sign.jpg", "zh-TW", ["en", "pt-BR"]),
        ("ZH_hant_tw-EN/sign.jpg", "zh-Hant-TW", ["en"]),
        ("es_419-en/ü/名前", "es-419", ["en"]),
        ("en-en_GB/sign.jpg", "en", ["en-GB"]),
    ],
)
def test_an_inbox_path_says_what_to_do(path, source, targets):
    order = read_inbox_path(path)
    assert (order.source, order.targets, order.name) == (source, targets, path.split("/")[-1])


@pytest.mark.parametrize(
    "path",
    [
        "sign.jpg",
        "en-es",
        "en/sign.jpg",
        "en--es/sign.jpg",
        "-es/sign.jpg",
        "en-/sign.jpg",
        "en-es-fr/sign.jpg",
        "zh-TW-en/sign.jpg",
        "en-es,/sign.jpg",
        "en-es,es/sign.jpg",
        "en-es,ES/sign.jpg",
        "en-en/sign.jpg",
        "en-auto/sign.jpg",
        "auto-auto/sign.jpg",
        "e-es/sign.jpg",
        "en-espanol/sign.jpg",
        "en-es /sign.jpg",
        "en-es/../sign.jpg",
        "en-es/./sign.jpg",
        "en-es//sign.jpg",
        "/en-es/sign.jpg",
        "en-es/",
        "en-es/a\\b.jpg",
        "en-es/a\nb.jpg",
        "en-" + ",".join("ab" + c for c in string.ascii_lowercase[: MAX_TARGETS + 1]) + "/sign.jpg",
    ],
)
def test_a_wrong_inbox_path_is_refused(path):
    with pytest.raises(InboxPathInvalid):
        read_inbox_path(path)


@given(PATHS)
def test_any_inbox_path_is_read_or_refused(path):
    try:
        order = read_inbox_path(path)
    except InboxPathInvalid:
        return
    assert 1 <= len(order.targets) <= MAX_TARGETS
    assert order.source not in order.targets
    assert results_prefix(ACCOUNT, path) == f"results/{ACCOUNT}/{path}/"
