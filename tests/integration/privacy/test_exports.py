"""Exports: ordered once at a time, made under a lease, erased in time; and what is in them."""

import io
import json
import zipfile
from contextlib import contextmanager
from datetime import timedelta

import pytest

from shared.auth.principal import Principal
from shared.core.clock import utc_now
from shared.db.leases import LeaseHeld
from shared.db.models import metadata
from shared.privacy.contents import EXPORTED, OTHERWISE
from shared.privacy.errors import ExportNotFound, ExportNotReady, ExportUnderWay, TooManyExports
from shared.privacy.exporter import Exporter
from shared.privacy.exports import KEPT, MOST, ExportService, forget_exports
from shared.privacy.files import File
from shared.privacy.messages import ExportAccount
from shared.privacy.schemas import CreateExport
from shared.storage.errors import StorageUnavailable
from tests.integration.test_people import Vault

LEASE = 60


class Bucket:
    """Objects by name, as the exporter writes them."""

    def __init__(self):
        self.objects, self.broken = {}, False

    @contextmanager
    def writer(self, bucket, name, media_type, metadata):
        sink = io.BytesIO()
        yield sink
        if self.broken:
            raise StorageUnavailable()
        self.objects[name] = (sink.getvalue(), metadata)

    def delete(self, bucket, name):
        self.objects.pop(name, None)

    def signed_get(self, bucket, name, *more):
        return f"https://storage.test/{name}"


class Files:
    """Files of jobs."""

    def __init__(self, *files):
        self.files = files

    def of(self, open_uow):
        return iter([File(name, "b", name, 1, len(data)) for name, data in self.files])

    def read(self, file):
        return iter([dict(self.files)[file.name]])


class Desk:
    """One account and its exports."""

    def __init__(self, database):
        self.database, self.account, self.bucket = database, database.account(10), Bucket()
        self.caller = Principal("key_1", self.account, frozenset())
        self.sent = []

    def call(self, operation, *arguments):
        with self.database.uow(self.account, deliver=self.sent.extend) as uow:
            service = ExportService(
                lambda: uow,
                lambda: self.database.uow(self.account),
                lambda: self.bucket,
                lambda: "results",
            )
            return getattr(service, operation)(*arguments)

    def order(self, **more):
        return self.call("create", self.caller, CreateExport(**more)).id

    def make(self, export, files=None, most=10**9):
        def open_uow(account, user):
            return self.database.uow(account, user=user)

        worker = Exporter(open_uow, Vault(), self.bucket, files or Files(), "results", most)
        worker.export(ExportAccount(account=self.account, export=export), LEASE)

    def zip(self, export):
        data, _ = self.bucket.objects[f"exports/{self.account}/{export}.zip"]
        return zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture
def desk(database):
    return Desk(database)


def test_every_table_with_an_accounts_rows_is_exported_or_it_is_said_why_not():
    tenants = {name for name, table in metadata.tables.items() if "account_id" in table.columns}
    assert EXPORTED.keys() | OTHERWISE.keys() == tenants | {"accounts"}
    assert not EXPORTED.keys() & OTHERWISE.keys()


def test_an_export_holds_what_the_account_has_and_nothing_of_another(desk, database):
    job, foreign = database.job(desk.account, "es"), database.job(database.account(5), "es")
    database.run(
        "insert into scenes (job_id, account_id, document) values (:j, :a, '{\"a\": 1}')",
        j=job,
        a=desk.account,
    )
    export = desk.order()
    desk.make(export, Files((f"jobs/{job}/es.png", b"picture")))
    with desk.zip(export) as read:
        manifest = json.loads(read.read("manifest.json"))
        assert [entry["name"] for entry in manifest["files"]] == [
            n for n in read.namelist() if n != "manifest.json"
        ]
        jobs = [json.loads(line) for line in read.read("jobs.jsonl").splitlines()]
        assert [(each["id"], each["name"]) for each in jobs] == [(job, "sign.jpg")]
        assert json.loads(read.read("scenes.jsonl"))["document"] == {"a": 1}
        assert read.read(f"jobs/{job}/es.png") == b"picture"
        assert b"grant" in read.read("ledger.csv")
        assert b"export.ordered" in read.read("audit.jsonl")
        assert all(foreign.encode() not in read.read(name) for name in read.namelist())
    told = desk.call("get", export)
    assert (told.state, told.omitted, told.entries) == ("done", 0, len(manifest["files"]))
    assert desk.call("file", export).url.endswith(f"{export}.zip")


def test_many_rows_are_read_in_parts(desk, database):
    database.run(
        "insert into quotes (id, account_id, created_by, medium, targets, price_version, expires_at)"
        " select 'q' || n, :a, 'k', 'text', '{}', 1, now() from generate_series(1, 250) n",
        a=desk.account,
    )
    export = desk.order(files=False)
    desk.make(export)
    with desk.zip(export) as read:
        found = {json.loads(line)["id"] for line in read.read("quotes.jsonl").splitlines()}
    assert found == {f"q{n}" for n in range(1, 251)}


def test_files_that_do_not_fit_are_listed(desk):
    export = desk.order()
    desk.make(export, Files(("jobs/1/a.png", b"12345"), ("jobs/2/b.png", b"12345"), ("jobs/3/c", b"1")), 6)
    with desk.zip(export) as read:
        assert "jobs/1/a.png" in read.namelist()
        rest = [json.loads(line)["name"] for line in read.read("omitted.jsonl").splitlines()]
    assert rest == ["jobs/2/b.png", "jobs/3/c"]
    assert desk.call("get", export).omitted == 2


def test_one_export_at_a_time_and_a_few_in_all(desk, together):
    done = together(*[desk.order] * 3)
    assert sorted(isinstance(each, ExportUnderWay) for each in done) == [False, True, True]
    desk.make(next(each for each in done if isinstance(each, str)))
    for _ in range(MOST - 1):
        desk.make(desk.order())
    with pytest.raises(TooManyExports):
        desk.order()


def test_two_workers_do_not_make_the_same_and_a_late_one_changes_nothing(desk, database):
    export = desk.order()
    desk.bucket.broken = True
    with pytest.raises(StorageUnavailable):
        desk.make(export)
    assert desk.call("get", export).state == "pending"
    with pytest.raises(ExportNotReady):
        desk.call("file", export)
    desk.bucket.broken = False
    database.run(
        "update leases set expires_at = now() + interval '1 minute' where name = :n", n=f"export {export}"
    )
    with pytest.raises(LeaseHeld):
        desk.make(export)
    database.move_clock(timedelta(minutes=2))
    desk.make(export)
    desk.make(export)
    assert desk.call("get", export).state == "done"


def test_one_that_is_removed_while_it_is_made_leaves_no_file(desk):
    export = desk.order()

    class Late(Files):
        def of(self, open_uow):
            desk.call("remove", export)
            return iter([])

    desk.make(export, Late())
    assert desk.bucket.objects == {}
    with pytest.raises(ExportNotFound):
        desk.call("get", export)


def test_what_has_expired_is_erased_by_the_sweep(desk, database):
    export = desk.order()
    desk.make(export)
    sent = []

    def open_system(account):
        return database.uow(account, system=True, deliver=sent.extend)

    forget_exports(open_system)
    assert sent == []
    database.move_clock(KEPT + timedelta(minutes=1))
    forget_exports(open_system)
    body = {"job": export, "results": [f"exports/{desk.account}/{export}.zip"]}
    assert [(effect.kind, effect.payload) for effect in sent] == [("erase", body)]
    with pytest.raises(ExportNotFound):
        desk.call("get", export)


def test_an_export_that_is_given_up_says_so(desk):
    export = desk.order()

    def open_uow(account, user):
        return desk.database.uow(account, user=user)

    worker = Exporter(open_uow, Vault(), desk.bucket, Files(), "results")
    worker.give_up(ExportAccount(account=desk.account, export=export), StorageUnavailable())
    assert desk.call("get", export).state == "failed"
    assert desk.call("get", export).expires_at > utc_now()
    desk.order()
