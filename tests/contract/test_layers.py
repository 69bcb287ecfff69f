"""What import-linter cannot see of the layers: functions, vendors, the environment, commits."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = sorted((ROOT / "shared").rglob("*.py"))
MAINS = sorted((ROOT / "functions").glob("*/main.py"))
MIGRATIONS = ROOT / "shared" / "db" / "migrations"

# Each vendor's client is known to one file; what all of Google's clients raise, to the adapters.
ADAPTERS = {
    "google.cloud.storage": {"shared/storage/gcs.py"},
    "google.cloud.pubsub": {"shared/queue/pubsub.py"},
    "google.cloud.tasks": {"shared/queue/tasks.py"},
    "google.cloud.vision": {"shared/providers/vision.py"},
    "google.cloud.translate": {"shared/providers/translate.py"},
    "google.cloud.sql": {"shared/db/engine.py"},
    "redis": {"shared/cache/redis.py"},
    "firebase_admin": {"shared/auth/directory.py"},
    "grpc": {"shared/providers/channel.py"},
    "requests": {"shared/storage/gcs.py"},
    "alembic": {"shared/db/migrate.py"},
    "opentelemetry": {"shared/telemetry/otlp.py"},
    "google": {
        "shared/telemetry/otlp.py",
        "shared/storage/gcs.py",
        "shared/queue/pubsub.py",
        "shared/queue/tasks.py",
        "shared/queue/retries.py",
        "shared/providers/vision.py",
        "shared/providers/translate.py",
        "shared/providers/errors.py",
        "shared/db/engine.py",
        "shared/vault/cloud_kms.py",
        "shared/cache/login.py",
    },
}
CLIENTS = {
    "Storage",
    "EventTopic",
    "TaskQueue",
    "RedisCache",
    "VisionRecognizer",
    "Translator",
    "FontLibrary",
    "MailServer",
    "IdentityDirectory",
}
# Libraries that a room is written in, which its modules may import at their top.
EVERYWHERE = {"pydantic", "pydantic_core"}
AT_TOP = {
    "shared/edge/": {"flask", "werkzeug", "functions_framework"},
    "shared/imaging/": {"PIL", "cv2", "numpy", "uharfbuzz", "fontTools"},
    "shared/db/": {"sqlalchemy"},
    "shared/auth/": {"sqlalchemy"},
    "shared/jobs/": {"sqlalchemy"},
    "shared/accounts/": {"sqlalchemy"},
    "shared/backlog/": {"sqlalchemy"},
    "shared/keys/": {"sqlalchemy"},
    "shared/ledger/": {"sqlalchemy"},
    "shared/privacy/": {"sqlalchemy"},
    "shared/quotes/": {"sqlalchemy"},
    "shared/scenes/": {"sqlalchemy"},
    "shared/selftest/": {"sqlalchemy"},
    "shared/sessions/": {"sqlalchemy"},
    "shared/tokens/": {"sqlalchemy"},
    "shared/translation/": {"sqlalchemy"},
    "shared/webhooks/": {"sqlalchemy"},
    "shared/mail/": {"sqlalchemy"},
    "shared/members/": {"sqlalchemy"},
    "shared/db/migrate.py": {"sqlalchemy", "alembic"},
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _imported(node: ast.AST) -> Iterator[str]:
    """Full dotted names that an import statement may load."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            yield from (f"{inner.module}.{alias.name}" for alias in inner.names)


def _outside(name: str) -> bool:
    return name.split(".")[0] not in {*sys.stdlib_module_names, "shared", "__future__"}


def _within(name: str, package: str) -> bool:
    """Whether a module is a package or in it; `google.cloud.vision_v1` counts as `google.cloud.vision`."""
    return name == package or name.startswith((f"{package}.", f"{package}_v"))


def test_every_room_has_its_place_in_the_layers():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(c for c in config["contracts"] if c["id"] == "layers")["layers"]
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    modules = {_name(p).removesuffix(".py").replace("/", ".") for p in SHARED if p.name != "__init__.py"}
    homeless = {m for m in modules if not any(_within(m, place) for place in placed)}
    assert homeless == set()


@pytest.mark.parametrize("main", MAINS, ids=lambda p: p.parent.name)
def test_a_function_imports_only_shared(main):
    assert [n for n in _imported(_tree(main)) if not n.startswith(("shared.", "__future__."))] == []


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_a_vendor_is_known_to_its_adapter_only(vendor):
    users = {_name(p) for p in SHARED if any(_within(n, vendor) for n in _imported(_tree(p)))}
    allowed = ADAPTERS[vendor] | (
        {_name(p) for p in MIGRATIONS.rglob("*.py")} if vendor == "alembic" else set()
    )
    assert users <= allowed
    assert users, "the table names a vendor that nobody uses"


def test_every_vendor_sdk_is_imported_where_the_client_is_built():
    early = []
    for path in SHARED:
        if MIGRATIONS in path.parents:
            continue
        name, tree = _name(path), _tree(path)
        allowed = EVERYWHERE.union(*(libs for room, libs in AT_TOP.items() if name.startswith(room)))
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                early += [
                    f"{name}: {n}" for n in _imported(node) if _outside(n) and n.split(".")[0] not in allowed
                ]
    assert early == []


def test_only_the_settings_read_the_environment():
    readers = set()
    for path in [*SHARED, *MAINS]:
        for node in ast.walk(_tree(path)):
            of_os = (
                isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            )
            from_os = isinstance(node, ast.ImportFrom) and node.module == "os"
            names = {node.attr} if of_os else {a.name for a in node.names} if from_os else set()
            if names & {"environ", "environb", "getenv", "getenvb", "putenv"}:
                readers.add(_name(path))
    assert readers == {"shared/core/config.py"}


def test_only_the_unit_of_work_commits():
    commits = {
        _name(path)
        for path in [*SHARED, *MAINS]
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }
    assert commits == {"shared/db/unit_of_work.py", "shared/db/migrate.py"}


def test_only_one_file_of_the_composition_root_builds_adapters():
    builders = {
        _name(path)
        for path in SHARED
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLIENTS
    }
    assert builders == {"shared/wiring/clients.py"}
