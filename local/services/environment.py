"""The environment of a function: its `uses` words, through one table, to the variables it may see."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.gateway.invokers import EVENTS, SCHEDULES, TASKS
from local.identity import PROJECT
from local.state import REPOSITORY, State
from shared.edge.manifest import Manifest

LOCATION = "us-central1"
UPLOADS_BUCKET = "imangor-uploads"
RESULTS_BUCKET = "imangor-results"

LOOPBACK = "127.0.0.0/8"

_STORAGE = ("STORAGE_EMULATOR_HOST", "UPLOADS_BUCKET", "RESULTS_BUCKET", "GOOGLE_APPLICATION_CREDENTIALS")

# Every word that `uses` may hold, and what it makes visible to the function.
NAMES: dict[str, tuple[str, ...]] = {
    "database": ("DATABASE_URL",),
    "database-system": ("DATABASE_URL",),
    "database-eraser": ("DATABASE_URL",),
    "cache": ("REDIS_URL",),
    "tasks": ("TASKS_ENDPOINT", "TASK_DEADLINES", "INSECURE_CHANNELS"),
    "events": ("PUBSUB_EMULATOR_HOST",),
    "uploads": _STORAGE,
    "results": _STORAGE,
    "vision": ("VISION_ENDPOINT", "INSECURE_CHANNELS"),
    "translation": ("TRANSLATE_ENDPOINT", "INSECURE_CHANNELS"),
    "keys": ("KEY_PEPPER", "TOKEN_ISSUER"),
    "tokens": ("OAUTH_CLIENTS", "TOKEN_SIGNING_KEYS"),
    "payments": ("PAYMENTS_SECRET",),
    "webhooks": ("WEBHOOK_KEY", "WEBHOOK_NETWORKS"),
    "forget-people": ("FIREBASE_AUTH_EMULATOR_HOST",),
    "sign-ins": ("FIREBASE_AUTH_EMULATOR_HOST",),
    "identity": ("FIREBASE_AUTH_EMULATOR_HOST",),
    "mail": ("SMTP_URL", "MAIL_FROM", "APP_URL"),
    "vault": ("VAULT_KEYS",),
    "redrive": ("PUBSUB_EMULATOR_HOST",),
    "queues": ("TASKS_ENDPOINT", "INSECURE_CHANNELS"),
}

# What every function may know: nothing here is a secret.
_ALWAYS = (
    "GOOGLE_CLOUD_PROJECT",
    "LOCATION",
    "LOG_LEVEL",
    "TRUSTED_PROXIES",
    "TRACE_URL",
    "FONTS_FOLDER",
    "REFERENCE_FOLDER",
    "WELCOME_CREDITS",
    "IDENTITY_CERTIFICATES",
    "FUNCTION_URL",
    "TASKS_INVOKER",
    "EVENTS_INVOKER",
    "SCHEDULES_INVOKER",
)


@dataclass(frozen=True)
class Addresses:
    """Where the services of one local cloud answer."""

    gateway: int
    postgres: int
    valkey: int
    storage: int
    messaging: int
    vision: int
    translation: int
    identity: int
    mail: int

    @property
    def gateway_url(self) -> str:
        """The load balancer's address."""
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def identity_url(self) -> str:
        """Where the identity service answers."""
        return f"http://127.0.0.1:{self.identity}"

    @property
    def function_url(self) -> str:
        """The template of every function's own URL, which is also the audience of its callers' tokens."""
        return f"{self.gateway_url}/_functions/{{function}}"

    def database_url(self, user: str) -> str:
        """The URL for SQLAlchemy."""
        return f"postgresql+pg8000://{user}@127.0.0.1:{self.postgres}/imangor"


def function_url(at: Addresses, service: str) -> str:
    """The URL of one function, by its service name."""
    return at.function_url.replace("{function}", service)


def database_user(function: str) -> str:
    """The login role of one function."""
    return f"fn_{function}"


def function_environment(
    state: State, at: Addresses, manifests: Mapping[str, Manifest], function: str
) -> dict[str, str]:
    """The settings of one function; KeyError for a word of `uses` that no row of the table knows."""
    manifest = manifests[function]
    seen = settings(state, at, manifests, map(str, manifest.uses), database_user(function))
    return {**seen, "THREADS": str(threads(manifest)), "CONCURRENCY": str(threads(manifest))}


def threads(manifest: Manifest) -> int:
    """How many requests a function serves at a time here.

    One process plays all instances, so one with several queues has a place for each of them: work that waits
    in one never keeps the others' waiting.
    """
    return max(manifest.threads, len(manifest.queues))


def settings(
    state: State, at: Addresses, manifests: Mapping[str, Manifest], uses: Iterable[str], user: str
) -> dict[str, str]:
    """The variables that the words of `uses` make visible, with `user` as the database user."""
    names = {*_ALWAYS, *(name for word in uses for name in NAMES[word])}
    deadlines = {m.name: m.dispatch_deadline for m in manifests.values() if m.kind == "task"}
    values = _values(state, at, user, deadlines)
    return {name: values[name] for name in sorted(names)}


def process_environment(state: State, function: str) -> dict[str, str]:
    """What a program needs to run at all; nothing else of the developer's shell reaches a function.

    A home of its own keeps a developer's Google credentials out of reach, and the functions' gunicorns, each
    of which puts a control socket there, out of each other's way.
    """
    home = state.folder / "home" / function
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "SSL_CERT_FILE") if name in os.environ}
    return {"PATH": os.defpath, **kept, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def _values(state: State, at: Addresses, user: str, deadlines: Mapping[str, int]) -> dict[str, str]:
    return {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "LOCATION": LOCATION,
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
        "TRUSTED_PROXIES": "1",
        "TRACE_URL": f"{at.gateway_url}/_local/traces",
        "IDENTITY_CERTIFICATES": at.identity_url,
        "FIREBASE_AUTH_EMULATOR_HOST": f"127.0.0.1:{at.identity}",
        "WELCOME_CREDITS": "10000",
        "FONTS_FOLDER": str(REPOSITORY / "build" / "fonts"),
        "REFERENCE_FOLDER": str(REPOSITORY / "build" / "reference"),
        "FUNCTION_URL": at.function_url,
        "TASKS_INVOKER": TASKS,
        "EVENTS_INVOKER": EVENTS,
        "SCHEDULES_INVOKER": SCHEDULES,
        "DATABASE_URL": at.database_url(user),
        "REDIS_URL": f"redis://127.0.0.1:{at.valkey}/0",
        "TASK_DEADLINES": json.dumps(deadlines),
        "TASKS_ENDPOINT": f"127.0.0.1:{at.messaging}",
        "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{at.messaging}",
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{at.storage}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(state.signer),
        "UPLOADS_BUCKET": UPLOADS_BUCKET,
        "RESULTS_BUCKET": RESULTS_BUCKET,
        "VISION_ENDPOINT": f"127.0.0.1:{at.vision}",
        "TRANSLATE_ENDPOINT": f"127.0.0.1:{at.translation}",
        "INSECURE_CHANNELS": "true",
        "KEY_PEPPER": state.secret("pepper"),
        "TOKEN_ISSUER": at.gateway_url,
        "TOKEN_SIGNING_KEYS": state.secret("tokens"),
        "OAUTH_CLIENTS": json.dumps({"studio": [f"{at.gateway_url}/studio"]}),
        "PAYMENTS_SECRET": state.secret("payments"),
        "WEBHOOK_KEY": state.secret("webhooks"),
        "WEBHOOK_NETWORKS": LOOPBACK,
        "SMTP_URL": f"smtp://127.0.0.1:{at.mail}",
        "MAIL_FROM": "no-reply@imangor.test",
        "APP_URL": f"{at.gateway_url}/",
        "VAULT_KEYS": state.vault_key.as_uri(),
    }
