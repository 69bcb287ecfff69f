"""Fixtures of every suite: one local cloud for the session, and an environment that tests cannot leak."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.testing import Cloud, new_folder, run_local, start

# The gate always tries the same examples; at a desk every run tries new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
if "CI" in os.environ:
    settings.load_profile("gate")

_CLOUD = pytest.StashKey[Cloud]()


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The local cloud, started by whoever needs it first and shared by all workers of the session."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if worker else base) / "cloud.json"
    session = os.getppid() if worker else os.getpid()
    folder = _join(shared, session)
    found = Cloud(folder)
    request.config.stash[_CLOUD] = found
    yield found
    _leave(shared)


def _join(shared: Path, session: int) -> Path:
    with _locked(shared) as file:
        known = json.loads(file.read() or "{}")
        if not known:
            folder = new_folder()
            # All suites send wrong credentials from the one address that this machine is.
            start(folder, "--while-alive", str(session), "--function-env", "ATTEMPT_LIMIT=1000000")
            known = {"folder": str(folder), "users": 0}
        known["users"] += 1
        _rewrite(file, known)
    return Path(known["folder"])


def _leave(shared: Path) -> None:
    with _locked(shared) as file:
        known = json.loads(file.read())
        known["users"] -= 1
        if known["users"]:
            _rewrite(file, known)
        else:
            run_local("reset", "--state", known["folder"])
            _rewrite(file, {})


def _locked(path: Path):
    file = path.open("a+")
    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0)
    return file


def _rewrite(file, value: object) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(value))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.failed and "cloud" in getattr(item, "fixturenames", ()) and _CLOUD in item.config.stash:
        report.sections.append(("local cloud", item.config.stash[_CLOUD].logs()))
    return report


@pytest.fixture(autouse=True)
def isolated_environment() -> Iterator[None]:
    """Put `os.environ` back as it was: functions-framework leaves its own variables there."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
