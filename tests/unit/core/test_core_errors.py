"""Errors, ids, times, settings and logs: what every other room stands on."""

import importlib
import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import config, logs
from shared.core.clock import utc_now
from shared.core.errors import FieldError, ImangorError, RetryLater, TransientError, Unauthenticated
from shared.core.ids import CROCKFORD, id_pattern, is_id, new_id
from shared.core.metrics import Metric, count

SHARED = Path(config.__file__).parents[1]


class SomethingOdd(ImangorError):
    """Something odd happened.

    This is for engineers.
    """


def test_an_error_speaks_its_docstring_unless_told_otherwise():
    assert SomethingOdd().detail == str(SomethingOdd()) == "Something odd happened."
    assert SomethingOdd("It rained.").detail == "It rained."


def test_every_error_has_a_slug_a_status_and_a_title():
    for path in SHARED.rglob("errors.py"):
        importlib.import_module(".".join(path.relative_to(SHARED.parent).with_suffix("").parts))
    seen, new = set(), {ImangorError}
    while new:
        seen |= new
        new = {sub for each in new for sub in each.__subclasses__()} - seen
    ours = {error for error in seen if error.__module__.startswith("shared.")}
    assert len(ours) > 20
    for error in ours:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.slug), error
        assert 400 <= error.status <= 599, error
        assert error.title, error
        assert issubclass(error, TransientError) <= error.retry, error


@pytest.mark.parametrize(("seconds", "header"), [(None, None), (0.2, "1"), (1.4, "1"), (59.6, "60")])
def test_a_wait_is_told_in_whole_seconds(seconds, header):
    assert TransientError(retry_after=seconds).headers.get("Retry-After") == header


def test_a_refused_caller_is_told_the_scheme():
    assert Unauthenticated().headers["WWW-Authenticate"].startswith("Bearer")


def test_a_field_error_is_a_member_of_a_problem_document():
    assert FieldError("/a", "c", "d").as_dict() == {"pointer": "/a", "code": "c", "detail": "d"}


def test_work_of_somebody_else_is_looked_at_later():
    when = datetime(2026, 1, 1, tzinfo=UTC)
    assert RetryLater(when).when == when


def test_ids_are_sorted_by_their_age_and_never_the_same():
    ids = [new_id("job") for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [each[:14] for each in ids] == sorted(each[:14] for each in ids)
    for each in ids:
        assert is_id("job", each)
        assert set(each[4:]) <= set(CROCKFORD)


def test_an_id_holds_the_time():
    value = 0
    for character in new_id("job")[4:]:
        value = value * 32 + CROCKFORD.index(character)
    assert abs((value >> 80) / 1000 - utc_now().timestamp()) < 5


@pytest.mark.parametrize("change", ["{}\n", " {}", "{}0", "x{}", "{}é"])
def test_nothing_may_stand_around_an_id(change):
    assert not is_id("job", change.format(new_id("job")))


@given(st.text())
def test_an_id_is_of_its_own_kind(text):
    assert not is_id("job", "acc_" + text)
    assert is_id("job", "job_" + text) == bool(re.fullmatch(f"[{CROCKFORD}]{{26}}", text))
    assert bool(re.search(id_pattern("job"), "job_" + text[:26])) == is_id("job", "job_" + text[:26])


@pytest.fixture
def settings(monkeypatch):
    """Sets variables; settings are read anew."""

    def put(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        config.forget()

    cloud = ("K_SERVICE", "IDENTITY_CERTIFICATES", "INSECURE_CHANNELS", "WEBHOOK_NETWORKS")
    for name in (*cloud, "REDIS_URL", "REDIS_TIMEOUT", "KEY_PEPPER"):
        monkeypatch.delenv(name, raising=False)
    config.forget()
    yield put
    config.forget()


def test_settings_come_from_the_environment_and_are_read_once(settings):
    settings(REDIS_URL="redis://x", REDIS_TIMEOUT="")
    loaded = config.RedisSettings.load()
    assert (loaded.redis_url, loaded.redis_timeout) == ("redis://x", 0.25)
    assert config.RedisSettings.load() is loaded


def test_a_missing_or_wrong_setting_is_named_without_its_value(settings):
    with pytest.raises(config.Misconfigured, match=r"KEY_PEPPER \(missing\)"):
        config.KeySettings.load()
    settings(KEY_PEPPER="short secret")
    with pytest.raises(config.Misconfigured, match="KEY_PEPPER") as caught:
        config.KeySettings.load()
    assert "short secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "variable",
    [
        "STORAGE_EMULATOR_HOST",
        "PUBSUB_EMULATOR_HOST",
        "FIREBASE_AUTH_EMULATOR_HOST",
        "IDENTITY_CERTIFICATES",
        "INSECURE_CHANNELS",
        "WEBHOOK_NETWORKS",
    ],
)
def test_the_cloud_refuses_to_start_with_an_emulator(settings, variable):
    settings(**{variable: "127.0.0.1:1"})
    config.refuse_emulators_in_the_cloud()
    settings(K_SERVICE="jobs")
    with pytest.raises(config.Misconfigured, match=variable):
        config.RedisSettings.load()


def line(**bound):
    """One log line with an exception, as Cloud Logging gets it."""
    try:
        raise ValueError("why")
    except ValueError:
        record = logging.LogRecord("shared.room", logging.ERROR, "f", 1, "took %s", ("ä",), sys.exc_info())
    record.fields = {"job": "job_1"}
    with logs.bound(**bound):
        return logs.CloudFormatter().format(record)


def test_a_log_line_is_one_json_object_with_its_facts():
    text = line(task="t", nothing=None)
    assert "\n" not in text
    entry = json.loads(text)
    assert {k: entry[k] for k in ("severity", "job", "task")} == {
        "severity": "ERROR",
        "job": "job_1",
        "task": "t",
    }
    assert entry["message"].startswith("took ä\nTraceback (most recent call last):\n")
    assert entry["message"].rstrip().endswith("\nValueError")
    assert "nothing" not in entry
    assert "task" not in json.loads(line())


class Psql(Exception):
    """Stands for a library's error, whose words quote a row."""

    __module__ = "pg8000.exceptions"


def test_of_a_library_s_exception_only_the_class_is_written():
    words = "Key (name)=(somebody) already exists."
    try:
        try:
            raise Psql({"D": words})
        except Psql as error:
            raise SomethingOdd("It rained.") from error
    except SomethingOdd as error:
        record = logging.LogRecord("shared.room", logging.ERROR, "f", 1, "m", (), (type(error), error, None))
    text = json.loads(logs.CloudFormatter().format(record))["message"]
    assert words not in text
    assert text.index("pg8000.exceptions.Psql\n") < text.index("SomethingOdd")
    assert text.count("Traceback (most recent call last):") == 2


def test_facts_of_one_thread_are_not_another_threads():
    seen = []
    with logs.bound(task="mine"):
        thread = threading.Thread(target=lambda: seen.append(json.loads(line())))
        thread.start()
        thread.join()
    assert "task" not in seen[0]


def test_an_error_is_a_report_of_its_function():
    """Error Reporting wants a traceback in the message, or else the place where it was written."""
    record = logging.LogRecord("shared.room", logging.ERROR, "/x/room.py", 7, "odd", (), None, "work")
    entry = json.loads(logs.CloudFormatter("jobs").format(record))
    assert entry["@type"] == logs.REPORT
    assert entry["serviceContext"] == {"service": "jobs", "version": "local"}
    place = {"filePath": "/x/room.py", "lineNumber": 7, "functionName": "work"}
    assert entry["context"] == {"reportLocation": place}
    with logs.bound(account="acc_1"):
        whose = json.loads(logs.CloudFormatter("jobs").format(record))
    assert whose["context"]["user"] == logs.account_hash("acc_1")
    told = logging.LogRecord("shared.room", logging.WARNING, "f", 1, "m", (), None)
    assert "@type" not in json.loads(logs.CloudFormatter("jobs").format(told))


def test_an_account_is_named_by_its_hash():
    with logs.bound(account="acc_1"):
        bound = json.loads(line())
    record = logging.LogRecord("shared.room", logging.INFO, "f", 1, "m", (), None)
    record.fields = {"account": "acc_1"}
    told = json.loads(logs.CloudFormatter().format(record))
    for entry in (bound, told):
        assert entry["account_hash"] == sha256(b"acc_1").hexdigest()[:16] == logs.account_hash("acc_1")
        assert "acc_1" not in json.dumps(entry)


def test_a_measurement_is_a_log_line(caplog):
    with caplog.at_level(logging.INFO, "imangor.metrics"):
        count(Metric.CACHE, 2, outcome="hit")
    (record,) = caplog.records
    assert record.fields == {"metric": "cache", "value": 2, "labels": {"outcome": "hit"}}
