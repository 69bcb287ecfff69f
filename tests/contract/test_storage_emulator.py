"""The Cloud Storage emulator as the official client library sees it."""

from __future__ import annotations

import base64
import gzip
import os
import time

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from local.storage.process import StorageProcess

GRANULE = 256 * 1024


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    started = StorageProcess(tmp_path_factory.mktemp("storage"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def client(emulator):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        yield storage.Client(project="imangor-local", credentials=AnonymousCredentials())


@pytest.fixture
def bucket(client, request):
    return client.create_bucket(f"b-{abs(hash(request.node.name))}")


def test_buckets_keep_their_configuration_and_must_be_empty_to_go(client, bucket):
    with pytest.raises(exceptions.Conflict):
        client.create_bucket(bucket.name)
    bucket.versioning_enabled = True
    bucket.cors = [{"origin": ["https://a.example"], "method": ["PUT"], "maxAgeSeconds": 60}]
    bucket.add_lifecycle_delete_rule(age=3)
    bucket.patch()
    again = client.get_bucket(bucket.name)
    assert (again.versioning_enabled, again.metageneration) == (True, 2)
    assert again.cors == bucket.cors
    assert next(again.lifecycle_rules)["condition"] == {"age": 3}
    assert bucket.name in [found.name for found in client.list_buckets()]
    with pytest.raises(exceptions.PreconditionFailed):
        again.patch(if_metageneration_match=1)
    bucket.versioning_enabled = False
    bucket.patch()
    blob = bucket.blob("x")
    blob.upload_from_string(b"")
    with pytest.raises(exceptions.Conflict):
        bucket.delete()
    blob.delete()
    bucket.delete()
    with pytest.raises(exceptions.NotFound):
        client.get_bucket(bucket.name)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("x").upload_from_string(b"")


def test_an_object_carries_its_content_checksums_and_metadata(bucket):
    content = os.urandom(3_000_000)
    blob = bucket.blob("Ordner/ä + 100%?.png")
    blob.metadata = {"job": "job_1"}
    blob.cache_control = "no-store"
    blob.upload_from_string(content, content_type="image/png")
    assert (blob.size, blob.metageneration, blob.content_type) == (len(content), 1, "image/png")
    checksum = google_crc32c.Checksum(content).digest()
    assert blob.crc32c == base64.b64encode(checksum).decode()
    again = bucket.get_blob(blob.name)
    assert (again.metadata, again.cache_control, again.md5_hash) == (
        {"job": "job_1"},
        "no-store",
        blob.md5_hash,
    )
    assert again.download_as_bytes() == content
    assert again.download_as_bytes(start=5, end=9) == content[5:10]
    assert again.download_as_bytes(start=len(content) - 3) == content[-3:]
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        again.download_as_bytes(start=len(content))
    assert bucket.blob("missing").exists() is False


def test_gzip_content_is_unpacked_only_for_clients_that_cannot(emulator, bucket):
    blob = bucket.blob("packed")
    blob.content_encoding = "gzip"
    packed = gzip.compress(b"text " * 1000)
    blob.upload_from_string(packed, content_type="text/plain")
    assert blob.download_as_bytes(raw_download=True) == packed
    assert blob.download_as_bytes() == b"text " * 1000
    media = f"{emulator.url}/storage/v1/b/{bucket.name}/o/packed?alt=media"
    plain = requests.get(media, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert (plain.content, plain.headers.get("Content-Encoding")) == (b"text " * 1000, None)


def test_generations_grow_and_metageneration_counts_changes(bucket):
    blob = bucket.blob("x")
    blob.upload_from_string(b"one")
    first = blob.generation
    assert abs(first / 1e6 - time.time()) < 60
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch()
    blob.metadata = {"a": None, "c": "3"}
    blob.patch()
    assert (blob.generation, blob.metageneration, blob.metadata) == (first, 3, {"b": "2", "c": "3"})
    blob.upload_from_string(b"two")
    assert blob.generation > first
    assert (blob.metageneration, blob.download_as_bytes()) == (1, b"two")
    with pytest.raises(exceptions.NotFound):
        bucket.blob("x", generation=first).download_as_bytes()


def test_versioning_keeps_what_was_overwritten(client, bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    blob = bucket.blob("x")
    blob.upload_from_string(b"one")
    first = blob.generation
    blob.upload_from_string(b"two")
    assert bucket.blob("x", generation=first).download_as_bytes() == b"one"
    assert next(iter(client.list_blobs(bucket, versions=True))).generation == first
    assert len(list(client.list_blobs(bucket))) == 1
    bucket.blob("x").delete()
    assert bucket.get_blob("x") is None
    bucket.delete_blob("x", generation=first)
    assert len(list(client.list_blobs(bucket, versions=True))) == 1


def test_every_operation_holds_its_preconditions(bucket):
    blob = bucket.blob("x")
    blob.upload_from_string(b"one", if_generation_match=0)
    now, other = blob.generation, blob.generation + 1
    large = bucket.blob("x", chunk_size=GRANULE)
    refused = [
        lambda: blob.upload_from_string(b"two", if_generation_match=0),
        lambda: blob.upload_from_string(b"two", if_generation_not_match=now),
        lambda: blob.upload_from_string(b"two", if_metageneration_match=2),
        lambda: large.upload_from_string(b"two", if_generation_match=other),
        lambda: blob.reload(if_generation_match=other),
        lambda: blob.reload(if_metageneration_match=2),
        lambda: blob.download_as_bytes(if_generation_match=other),
        lambda: blob.patch(if_metageneration_match=2),
        lambda: blob.patch(if_metageneration_not_match=1),
        lambda: blob.update(if_generation_match=other),
        lambda: bucket.delete_blob("x", if_generation_match=other),
        lambda: bucket.copy_blob(blob, bucket, "y", if_source_generation_match=other),
        lambda: bucket.copy_blob(blob, bucket, "x", if_generation_match=0),
        lambda: bucket.blob("y").rewrite(blob, if_generation_match=other),
        lambda: bucket.blob("x").compose([blob], if_generation_match=0),
        lambda: bucket.blob("y").compose([blob], if_source_generation_match=[other]),
    ]
    for operation in refused:
        with pytest.raises(exceptions.PreconditionFailed) as error:
            operation()
        assert error.value.errors[0]["reason"] == "conditionNotMet" if error.value.errors else True
    with pytest.raises(exceptions.NotModified):
        blob.reload(if_generation_not_match=now)
    fresh = bucket.get_blob("x")
    assert (fresh.generation, fresh.metageneration, fresh.download_as_bytes()) == (now, 1, b"one")
    assert bucket.get_blob("y") is None
    bucket.delete_blob("x", if_generation_match=now)


def test_listing_pages_through_prefixes_in_byte_order(client, bucket):
    names = ["a", "a/1", "a/2/x", "a/2/y", "a/3", "a/ü", "b/1", "z"]
    for name in reversed(names):
        bucket.blob(name).upload_from_string(b"")
    assert [blob.name for blob in client.list_blobs(bucket)] == names
    assert [blob.name for blob in client.list_blobs(bucket, start_offset="a/2/y", end_offset="b/1")] == names[
        3:6
    ]
    for size in (1, 2, 1000):
        found = client.list_blobs(bucket, prefix="a/", delimiter="/", page_size=size)
        pages = [[blob.name for blob in page] for page in found.pages]
        assert [name for page in pages for name in page] == ["a/1", "a/3", "a/ü"]
        assert found.prefixes == {"a/2/"}
        assert len(pages) == {1: 4, 2: 2, 1000: 1}[size]


def test_copies_and_compositions(bucket):
    one, two = bucket.blob("one"), bucket.blob("two")
    one.metadata = {"k": "v"}
    one.upload_from_string(b"1" * 100, content_type="text/plain")
    two.upload_from_string(b"2" * 50)
    copy = bucket.copy_blob(one, bucket, "copy")
    one.delete()
    assert (copy.metadata, copy.content_type) == ({"k": "v"}, "text/plain")
    assert copy.download_as_bytes() == b"1" * 100
    rewritten = bucket.blob("rewritten")
    rewritten.metadata = {"new": "yes"}
    assert rewritten.rewrite(two)[0] is None
    assert bucket.get_blob("rewritten").metadata == {"new": "yes"}
    both = bucket.blob("both")
    both.compose([copy, two])
    both.reload()
    assert both.download_as_bytes() == b"1" * 100 + b"2" * 50
    assert (both.component_count, both.md5_hash) == (2, None)


def test_what_is_not_supported_is_refused_by_name(emulator, bucket):
    refused = [
        requests.get(f"{emulator.url}/storage/v1/b/{bucket.name}/iam", timeout=5),
        requests.post(f"{emulator.url}/batch/storage/v1", timeout=5),
        requests.get(f"{emulator.url}/storage/v1/b/{bucket.name}/o?matchGlob=*", timeout=5),
        requests.patch(
            f"{emulator.url}/storage/v1/b/{bucket.name}", json={"billing": {"requesterPays": True}}, timeout=5
        ),
    ]
    for response, name in zip(refused, ["/iam", "/batch", "matchGlob", "billing"], strict=True):
        assert response.status_code == 501
        assert name in response.json()["error"]["message"]
