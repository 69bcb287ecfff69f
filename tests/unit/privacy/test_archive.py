"""Zip files that are written once, from the beginning to the end."""

import io
import json
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from shared.privacy.archive import MANIFEST, Archive

AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


class Pipe:
    """Takes bytes, and can neither tell where it is nor go back."""

    def __init__(self):
        self.parts = []

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


@given(st.lists(st.tuples(st.lists(st.binary(max_size=300), max_size=4), st.booleans()), max_size=6))
def test_what_goes_in_comes_out_and_stands_in_the_manifest(files):
    pipe = Pipe()
    archive = Archive(pipe, AT)
    for number, (parts, packed) in enumerate(files):
        archive.add(f"jobs/{number}.bin", iter(parts), packed=packed)
    archive.close(account="acc_1", omitted=0)
    data = b"".join(pipe.parts)
    assert (archive.size, archive.sha256, archive.entries) == (
        len(data),
        sha256(data).hexdigest(),
        len(files),
    )
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        assert read.testzip() is None
        manifest = json.loads(read.read(MANIFEST))
        assert (manifest["account"], manifest["omitted"]) == ("acc_1", 0)
        for number, (parts, _) in enumerate(files):
            whole, told = b"".join(parts), manifest["files"][number]
            assert read.read(told["name"]) == whole
            assert told == {
                "name": f"jobs/{number}.bin",
                "bytes": len(whole),
                "sha256": sha256(whole).hexdigest(),
            }


def test_a_part_is_passed_on_before_the_next_is_asked_for():
    pipe = Pipe()
    archive = Archive(pipe, AT)
    written = []

    def parts():
        for _ in range(4):
            yield b"\0" * 1_000_000
            written.append(sum(map(len, pipe.parts)))

    archive.add("large.bin", parts(), packed=True)
    assert [size // 1_000_000 for size in written] == [1, 2, 3, 4]
