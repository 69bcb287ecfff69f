"""A function may do what its `uses` names, needs all of it, and is given the settings for it.

`shared.context` can build everything, so what counts is what a function's `main.py` and its edge touch of it:
see `tools/reach.py`. Two things are decided by declarations. The edge authenticates, limits and remembers
only where an operation asks for it. And effects leave through one sender that knows every way out, but take
only the ways of the effects that the function's own code writes into the outbox.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from local.services.environment import Addresses, settings
from local.state import State
from shared.core import config
from shared.edge.manifest import Use, load_all
from tools.capabilities import FILE, capabilities
from tools.reach import Reach, reach

ROOT = FILE.parent.parent
MANIFESTS = load_all(ROOT / "functions")
SENDER, ERASER = "_deliver", "_erase"
RESENDER = ("shared.db.outbox", "claim_unsent")
STEPS = {
    "auth": "authenticate",
    "rate": "rate_limit",
    "idempotent": "idempotency",
    "signed": "check_signature",
}
DATABASE = {"database", "database-system", "database-eraser"}
ADAPTERS = {
    ("shared.db.engine", "engine"): DATABASE,
    ("shared.cache.redis", "RedisCache"): {"cache"},
    ("shared.providers.vision", "VisionRecognizer"): {"vision"},
    ("shared.providers.translate", "Translator"): {"translation"},
    ("shared.queue.tasks", "TaskQueue"): {"tasks"},
    ("shared.queue.tasks", "Queues"): {"queues"},
    ("shared.queue.pubsub", "EventTopic"): {"events"},
    ("shared.core.config", "KeySettings"): {"keys"},
    ("shared.core.config", "TokenSettings"): {"keys"},
    ("shared.core.config", "OAuthSettings"): {"tokens"},
    ("shared.core.config", "PaymentSettings"): {"payments"},
    ("shared.core.config", "WebhookSettings"): {"webhooks"},
    ("shared.core.config", "MailSettings"): {"mail"},
    ("shared.auth.directory", "IdentityDirectory"): {"identity"},
    ("shared.auth.directory", "PeopleEraser"): {"forget-people"},
    ("shared.auth.directory", "SignIns"): {"sign-ins"},
    ("shared.core.config", "VaultSettings"): {"vault"},
}
EFFECTS = {"task": {"tasks"}, "event": {"events"}, "erase": {"uploads", "results"}, "message": {"redrive"}}
BUCKETS = {"uploads_bucket": {"uploads"}, "results_bucket": {"results"}}


def _declared(main: Path, keyword: str) -> bool:
    """Whether any operation gives `keyword` a value that asks for something."""
    keywords = [
        k for n in ast.walk(ast.parse(main.read_text())) if isinstance(n, ast.Call) for k in n.keywords
    ]
    return any(
        k.arg == keyword and not (isinstance(k.value, ast.Constant) and not k.value.value) for k in keywords
    )


def _idle_steps(main: Path) -> set[str]:
    """Members of the context that the edge never comes to, because no operation asks for it."""
    http = "mount(" in main.read_text()
    return {member for keyword, member in STEPS.items() if http and not _declared(main, keyword)}


def _attributes(found: Reach) -> list[ast.Attribute]:
    return [n for node in found.symbols.values() for n in ast.walk(node) if isinstance(n, ast.Attribute)]


def _effects(found: Reach) -> set[str]:
    """Kinds of effects that reached code writes: `….outbox.task(…)`."""
    owners = [(n.attr, n.value) for n in _attributes(found)]
    return {kind for kind, owner in owners if isinstance(owner, ast.Attribute) and owner.attr == "outbox"}


def _needs(root: Path, name: str) -> set[str]:
    main = root / "functions" / name / "main.py"
    found = reach(root, main, without={SENDER, *_idle_steps(main)})
    needed: set[str] = set().union(*(words for symbol, words in ADAPTERS.items() if symbol in found.symbols))
    needed = needed.union(*(EFFECTS[kind] for kind in _effects(found)))
    if RESENDER in found.symbols:  # What others left may be anything.
        needed = needed.union(*EFFECTS.values())
    return needed.union(*(BUCKETS.get(n.attr, set()) for n in _attributes(found)))


def _differences(root: Path, name: str) -> tuple[set[str], set[str]]:
    """Words that a function needs and does not name, and that it names and does not need."""
    named, needed = {str(word) for word in MANIFESTS[name].uses}, _needs(root, name)
    if needed & DATABASE and len(named & DATABASE) == 1:
        needed = needed - DATABASE | named & DATABASE
    return needed - named, named - needed


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_uses_what_it_names_and_nothing_else(name):
    assert _differences(ROOT, name) == (set(), set())


@pytest.mark.parametrize(
    ("name", "change", "missing"),
    [
        ("scenes", "ctx.languages.all(), ctx.scenes.get(job_id)", {"translation"}),
        ("scenes", "ctx.outputs.all(job_id)", {"results"}),
        ("scenes", "ctx.pictures().process(job_id, 0)", {"vision", "translation", "tasks", "events"}),
        ("scenes", "everything(ctx)", {"vision", "translation", "tasks", "events", "uploads", "results"}),
    ],
)
def test_using_more_of_the_context_is_noticed(tmp_path, name, change, missing):
    for part in ("shared", "functions"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    main = tmp_path / "functions" / name / "main.py"
    main.write_text(main.read_text().replace("ctx.scenes.get(job_id)", change))
    assert _differences(tmp_path, name)[0] >= missing


def _required(found: Reach) -> set[str]:
    """Required settings of the groups that reached code reads."""
    names = {name for module, name in found.symbols if module == "shared.core.config"}
    groups = [g for g in config.Settings.__subclasses__() if g.__name__ in names]
    return {n.upper() for g in groups for n, field in g.model_fields.items() if field.is_required()}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_is_given_every_setting_that_it_requires(name):
    main, given = ROOT / "functions" / name / "main.py", capabilities()
    without = _idle_steps(main)
    effects = _effects(reach(ROOT, main, without={SENDER, *without}))
    without |= (set() if effects else {SENDER}) | (set() if "erase" in effects else {ERASER})
    required = _required(reach(ROOT, main, without=without))
    words = [given.always, *(given.words[str(word)] for word in MANIFESTS[name].uses)]
    assert required <= set().union(*(grant.in_the_cloud for grant in words))
    assert required <= set().union(*(grant.in_the_local_cloud for grant in words))


def test_every_word_is_explained():
    assert set(capabilities().words) == {str(word) for word in Use}


def _local(tmp_path: Path, word: str | None) -> set[str]:
    (tmp_path / "keys").mkdir()
    at = Addresses(*range(1, 10))
    return set(settings(State(tmp_path), at, MANIFESTS, [word] if word else [], "fn_x"))


@pytest.mark.parametrize("word", [None, *map(str, Use)])
def test_the_local_cloud_gives_what_the_table_says(word, tmp_path):
    always = capabilities().always.in_the_local_cloud
    own = capabilities().words[word].in_the_local_cloud if word else set()
    assert _local(tmp_path, word) == always | own


def test_the_table_and_the_settings_know_the_same_names():
    given = capabilities()
    grants = [given.always, *given.words.values()]
    named = set().union(given.manifest, *(g.in_the_cloud | g.in_the_local_cloud for g in grants))
    fields = {f.upper() for group in config.Settings.__subclasses__() for f in group.model_fields}
    assert fields - named == set(), "a setting that no function could ever see"
    clients = {"THREADS", "GOOGLE_APPLICATION_CREDENTIALS"}
    clients |= {f"{name}_EMULATOR_HOST" for name in ("FIREBASE_AUTH", "PUBSUB", "STORAGE")}
    assert named - fields == clients


def test_nothing_of_an_emulator_reaches_the_cloud():
    grants = [capabilities().always, *capabilities().words.values()]
    deployed = set().union(*(grant.in_the_cloud for grant in grants))
    assert not {
        n for n in deployed if n.endswith(("_EMULATOR_HOST", "_ENDPOINT")) or n == "INSECURE_CHANNELS"
    }
