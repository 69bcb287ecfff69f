"""Files in the results bucket: several jobs may share a folder, each lists and erases only its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from local.storage.process import StorageProcess
from shared.core.config import StorageSettings
from shared.jobs.results import ResultFiles
from shared.storage.gcs import Storage

FOLDER = "results/acc_1/en-es/sign.jpg/"
PNG = "image/png"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    process = StorageProcess(tmp_path_factory.mktemp("storage"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def storage(emulator, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "imangor-local")
    found = Storage(StorageSettings(uploads_bucket="uploads", results_bucket="results"))
    client = found._client()
    if client.lookup_bucket("results") is None:
        client.create_bucket("results")
    for blob in client.list_blobs("results"):
        blob.delete()
    return found


@pytest.fixture
def files(storage):
    return ResultFiles(storage, "results")


def job(name, generation, prefix=FOLDER, origin="inbox"):
    return SimpleNamespace(id=name, origin=origin, source_generation=generation, results_prefix=prefix)


def names(files, record):
    return [info.name.rsplit("/", 1)[1] for info in files.of(record)]


def test_a_newer_upload_replaces_an_older_ones_results_and_never_the_other_way(files, storage):
    old, new = job("job_a", 1), job("job_b", 2)
    files.write(old, FOLDER + "es.png", b"old", PNG)
    files.write(new, FOLDER + "es.png", b"new", PNG)
    files.write(old, FOLDER + "es.png", b"late", PNG)
    assert storage.get("results", FOLDER + "es.png") == b"new"
    assert (names(files, old), names(files, new)) == ([], ["es.png"])


def test_a_job_writes_the_same_file_again(files, storage):
    for origin in ("inbox", "upload"):
        record = job("job_a", 1, origin=origin)
        for data in (b"one", b"two"):
            files.write(record, FOLDER + "es.png", data, PNG)
        assert storage.get("results", FOLDER + "es.png") == b"two"


def test_erasing_one_jobs_files_leaves_those_of_others_in_and_below_its_folder(files, storage):
    old, new = job("job_a", 1), job("job_b", 2)
    inner = job("job_c", 3, FOLDER + "inner.png/")
    files.write(old, FOLDER + "ca.png", b"a", PNG)
    files.write(old, FOLDER + "es.png", b"a", PNG)
    files.write(new, FOLDER + "es.png", b"b", PNG)
    files.write(inner, FOLDER + "inner.png/es.png", b"c", PNG)
    assert storage.delete_where("results", FOLDER, "job", "job_a") == 1
    assert (names(files, old), names(files, new), names(files, inner)) == ([], ["es.png"], ["es.png"])


def test_an_old_error_goes_when_a_newer_upload_went_well(files, storage):
    error = FOLDER.rstrip("/") + ".error.json"
    files.write(job("job_b", 2), error, b"{}", "application/json")
    files.remove_stale(job("job_a", 1), error)
    assert storage.stat("results", error) is not None
    files.remove_stale(job("job_c", 3), error)
    assert storage.stat("results", error) is None
    files.remove_stale(job("job_c", 3), error)
