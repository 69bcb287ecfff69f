"""A database that the release before filled is migrated while both releases serve from it, and back again."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
import requests
from sqlalchemy import create_engine, text

from local.services.database import ADMIN
from shared.db import migrate
from tests.integration.releases.previous import ROOT, Functions, NoHistory, check_out, run

DATABASE = "two_releases"
FUNCTIONS = ("jobs", "accounts", "credits", "webhooks")
SEED = """import sys; from local.seed import open_account
for number in range(40): print(open_account(*sys.argv[1:], f"Customer {number}").api_key)"""
MIGRATE = "import sys; from shared.db.migrate import upgrade, head; upgrade(sys.argv[1]); print(head())"


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The sources of the release before."""
    folder = tmp_path_factory.mktemp("before")
    try:
        check_out(folder)
    except NoHistory as missing:
        pytest.skip(f"the release before is not at hand, so that nothing is upgraded from it: {missing}")
    return folder


@pytest.fixture
def urls(cloud):
    """The addresses of a new database in the local cloud's server: the migrations', and the superuser's."""
    superuser = cloud.connection["superuser_url"]
    engine = create_engine(superuser, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {DATABASE} owner {ADMIN}"))
    address = superuser.partition("@")[2].rpartition("/")[0]
    yield tuple(f"postgresql+pg8000://{user}@{address}/{DATABASE}" for user in (ADMIN, "postgres"))
    with engine.connect() as connection:
        connection.execute(text(f"drop database {DATABASE} with (force)"))
    engine.dispose()


@pytest.fixture
def settings(cloud, urls):
    """What functions are told, of this database."""
    told = {}
    for name in FUNCTIONS:
        told |= cloud.environment(name)
    user = told["DATABASE_URL"].partition("//")[2].partition("@")[0]
    return told | {
        "DATABASE_URL": urls[1].replace("postgres@", f"{user}@"),
        "CONCURRENCY": "8",
        "THREADS": "8",
    }


@pytest.fixture
def serve(settings, tmp_path):
    running = []

    def start(tree, name):
        running.append(Functions(tree, FUNCTIONS, settings, tmp_path / f"{name}.log"))
        return running[-1]

    yield start
    for functions in running:
        functions.stop()


class Customer(threading.Thread):
    """Calls the releases in turn, each step at another one, until told to stop; notes what went wrong.

    Each round is with another key, because calls of one are limited.
    """

    def __init__(self, keys, *releases):
        super().__init__(daemon=True)
        self.keys, self.releases = keys, releases
        self.wrong: list[str] = []
        self.rounds = 0
        self.done = threading.Event()

    def run(self):
        session = requests.Session()
        turns = itertools.cycle(self.releases)

        def call(status, method, path, **how):
            release = next(turns)
            answer = session.request(method, release.url + path, timeout=30, **how)
            if answer.status_code != status:
                self.wrong.append(
                    f"{release.log.stem}: {method} {path} {answer.status_code} {answer.text[:200]}"
                )
            return answer.json() if answer.content else {}

        while not self.done.is_set() and not self.wrong:
            session.headers["X-Api-Key"] = next(self.keys)
            self._round(call)
            self.rounds += 1

    def _round(self, call):
        job = call(201, "POST", "/v1/jobs", json={"targets": ["es", "ca"], "source_language": "en"})
        call(200, "GET", f"/v1/jobs/{job.get('id')}")
        call(200, "POST", f"/v1/jobs/{job.get('id')}/cancel")
        call(200, "GET", "/v1/jobs?limit=5")
        call(200, "GET", "/v1/credits")
        call(200, "PUT", "/v1/account/limits", json={"daily": 1000000, "monthly": 9000000})
        call(200, "GET", "/v1/account/usage")
        hook = call(
            201, "POST", "/v1/webhooks/endpoints", json={"url": f"http://127.0.0.1:9/{job.get('id')}"}
        )
        call(200, "POST", f"/v1/webhooks/endpoints/{hook.get('id')}/rotate")
        call(204, "DELETE", f"/v1/webhooks/endpoints/{hook.get('id')}")


def serving(keys, *releases, customers=3, during):
    """Let customers call the releases while something is done to the database; nothing may go wrong."""
    threads = [
        Customer(keys, *releases[i % len(releases) :], *releases[: i % len(releases)])
        for i in range(customers)
    ]
    for thread in threads:
        thread.start()
    try:
        during()
        deadline = time.monotonic() + 60
        counted = [thread.rounds for thread in threads]
        while time.monotonic() < deadline and any(
            t.rounds < n + 2 and not t.wrong for t, n in zip(threads, counted, strict=True)
        ):
            time.sleep(0.05)
    finally:
        for thread in threads:
            thread.done.set()
        for thread in threads:
            thread.join(60)
    assert [wrong for thread in threads for wrong in thread.wrong] == []
    assert all(thread.rounds > 1 for thread in threads)


JOBS = """select j.id, j.state, string_agg(t.language, ',' order by t.language)
  from jobs j join job_targets t on t.job_id = j.id group by j.id, j.state"""


def _kept(url):
    """The jobs, and the balances, which all customers' rounds leave as they were."""
    engine = create_engine(url)
    with engine.connect() as connection:
        jobs = {tuple(row) for row in connection.execute(text(JOBS))}
        balances = connection.execute(
            text("select account_id, available, held from balances order by 1")
        ).all()
    engine.dispose()
    return jobs, balances


def test_a_database_is_migrated_under_two_releases_and_back(cloud, before, urls, serve):
    migrations, superuser = urls
    first = run(before, MIGRATE, migrations)
    keys = itertools.cycle(run(before, SEED, superuser, cloud.state.secret("pepper")).splitlines())
    old = serve(before, "before")
    serving(keys, old, during=lambda: None)
    filled = _kept(superuser)

    serving(keys, old, during=lambda: migrate.expand(migrations))
    new = serve(ROOT, "now")
    serving(keys, old, new, during=lambda: None)
    serving(keys, old, during=new.stop)

    again = serve(ROOT, "again")
    serving(keys, again, during=lambda: [migrate.contract(migrations), migrate.upgrade(migrations)])
    assert migrate.current(migrations) == migrate.head()

    again.stop()
    migrate.downgrade(migrations, first)
    serving(keys, old, during=lambda: None)
    jobs, balances = _kept(superuser)
    assert filled[0] <= jobs
    assert balances == filled[1]
    assert old.problems() + new.problems() + again.problems() == []
