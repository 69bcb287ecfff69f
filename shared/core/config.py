"""Settings: small models read from the environment by the adapter that needs them, never at import.

A field's environment name is its own name in capitals. `docs/configuration.md` is made from these classes.
"""

from __future__ import annotations

import os
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self, cast

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from shared.core.errors import ImangorError
from shared.core.ids import id_pattern


class Misconfigured(ImangorError):
    """A setting is missing or wrong."""

    slug, title = "misconfigured", "Misconfigured"


KEY_FILE: Final = "file://"
"""Begins the URI of a key-encryption key that is a file."""
_LOCAL_ONLY: Final = frozenset({"IDENTITY_CERTIFICATES", "INSECURE_CHANNELS", "WEBHOOK_NETWORKS"})


class Settings(BaseModel):
    """A group of settings that one room needs."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def load(cls) -> Self:
        """Read the group from the environment; raises `Misconfigured` naming each wrong variable."""
        return cast("Self", _load(cls))


@cache
def _load(cls: type[Settings]) -> Settings:
    refuse_emulators_in_the_cloud()
    values = {f: os.environ[f.upper()] for f in cls.model_fields if os.environ.get(f.upper(), "") != ""}
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        wrong = ", ".join(f"{str(e['loc'][0]).upper()} ({e['type']})" for e in error.errors())
        raise Misconfigured(f"Settings for {cls.__name__} are missing or wrong: {wrong}") from None


def forget() -> None:
    """Forget what was read, so that the next load sees the environment as it is then."""
    _load.cache_clear()


def refuse_emulators_in_the_cloud() -> None:
    """Raise `Misconfigured` where Cloud Run's `K_SERVICE` meets a setting that only a local cloud has."""
    if "K_SERVICE" not in os.environ:
        return
    local = sorted(n for n in os.environ if n.endswith("_EMULATOR_HOST") or n in _LOCAL_ONLY)
    if KEY_FILE in os.environ.get("VAULT_KEYS", ""):
        local.append("VAULT_KEYS")
    if os.environ.get("TRACE_URL", "").startswith("http:"):
        local.append("TRACE_URL")
    if local:
        raise Misconfigured(f"Emulator settings are present in the cloud: {', '.join(local)}")


def pool_size(concurrency: int) -> int:
    """Database connections that one instance holds: as many as it serves requests at a time, at most five."""
    return min(concurrency, 5)


def _secrets(name: str, text: str) -> list[str]:
    found = text.split()
    if any(len(secret) < 32 for secret in found):
        raise Misconfigured(f"{name} holds a secret of less than 32 characters.")
    return found


class ProjectSettings(Settings):
    """The project that the clients work in."""

    google_cloud_project: str = Field(description="Google Cloud project id")
    location: str = Field("us-central1", description="region of the queues")


class DatabaseSettings(Settings):
    """How to reach PostgreSQL: by URL, or by the Cloud SQL connector with IAM login."""

    database_url: str | None = Field(
        None, description="postgresql+pg8000:// URL; not used with the connector"
    )
    instance_connection_name: str | None = Field(None, description="Cloud SQL instance, project:region:name")
    database_name: str = Field("imangor", description="database, with the connector")
    database_user: str | None = Field(None, description="IAM user, with the connector")
    concurrency: int = Field(1, ge=1, description="requests one instance serves at a time; sizes the pool")


class RedisSettings(Settings):
    """How to reach Redis. Without it everything works, slower and without politeness limits."""

    redis_url: str | None = Field(None, description="redis:// or rediss:// URL; of any node of a cluster")
    redis_cluster: bool = Field(False, description="Redis is a cluster, whose nodes share the keys out")
    redis_iam: bool = Field(False, description="log in to Redis with the service account's access token")
    redis_timeout: float = Field(0.25, gt=0, description="seconds to wait for Redis before doing without")


class StorageSettings(Settings):
    """The two buckets."""

    uploads_bucket: str = Field(description="bucket that clients upload to; its objects trigger work")
    results_bucket: str = Field(description="bucket of results; triggers nothing")
    signer_email: str | None = Field(
        None, description="service account that signs URLs through IAM where the credentials hold no key"
    )


class ChannelSettings(Settings):
    """Where gRPC services answer. Empty means Google's own endpoint."""

    insecure_channels: bool = Field(False, description="plain-text gRPC; refused in the cloud")
    tasks_endpoint: str | None = Field(None, description="host:port of Cloud Tasks")
    task_deadlines: Json[dict[str, int]] = Field(
        "{}", validate_default=True, description="seconds each task function may take, by function, as JSON"
    )
    vision_endpoint: str | None = Field(None, description="host:port of Vision")
    translate_endpoint: str | None = Field(None, description="host:port of Translation")


class CallerSettings(Settings):
    """Who may call event and task functions, and under which URLs functions are reached."""

    function_url: str = Field(description="URL of a function with {function} in it; also the OIDC audience")
    tasks_invoker: str = Field(description="service account whose tokens Cloud Tasks sends")
    events_invoker: str = Field(description="service account whose tokens Pub/Sub sends")
    schedules_invoker: str = Field(description="service account whose tokens Cloud Scheduler sends")


class KeySettings(Settings):
    """Secrets of the API keys."""

    key_pepper: str = Field(
        min_length=32,
        description="secret of the keyed hash of API keys; several by spaces while it is changed, the first "
        "makes new hashes",
    )

    @property
    def peppers(self) -> list[str]:
        """The secrets; raises `Misconfigured` for one that is too short."""
        return _secrets("KEY_PEPPER", self.key_pepper)


class IdentitySettings(Settings):
    """Whom the identity service's tokens are believed from; their issuer and audience are the project's."""

    identity_certificates: str = Field(
        "https://www.googleapis.com",
        description="origin of the certificates of ID tokens and session cookies; refused in the cloud",
    )


class TokenSettings(Settings):
    """Whose access tokens are ours."""

    token_issuer: str = Field(
        pattern="^https?://[^/?#]+$",
        description="origin that this API is reached by from outside; issuer and audience of access tokens",
    )


class OAuthSettings(Settings):
    """What access tokens are signed with, and who may get them for people."""

    token_signing_keys: str = Field(
        min_length=32,
        description="secret that the key is derived from; several by spaces while it is changed, the first "
        "signs",
    )
    oauth_clients: Json[dict[str, list[str]]] = Field(
        "{}",
        validate_default=True,
        description="public clients and the addresses that codes may be sent to, by client, as JSON",
    )

    @property
    def signing_secrets(self) -> list[str]:
        """The secrets; raises `Misconfigured` for one that is too short."""
        return _secrets("TOKEN_SIGNING_KEYS", self.token_signing_keys)


class PaymentSettings(Settings):
    """Who may tell of payments."""

    payments_secret: str = Field(
        min_length=32,
        description="secret of payment messages, whsec_ and base64; several by spaces while it is changed",
    )


class VaultSettings(Settings):
    """What encrypts the data keys."""

    vault_keys: str = Field(
        min_length=1,
        description="keys that encrypt data keys, by spaces: the first encrypts, all decrypt. `gcp-kms://projects/…"
        "/cryptoKeys/…`, or a file as `file:///…`, which is refused in the cloud",
    )


class WebhookSettings(Settings):
    """Webhooks: their secrets at rest, and where they may go."""

    webhook_key: str | None = Field(
        None,
        min_length=32,
        description="secret under which signing secrets were encrypted before there were data keys; the "
        "sweep encrypts them anew, and then it is not needed",
    )
    webhook_networks: str = Field(
        "",
        description="comma-separated networks that webhooks may go to besides the public internet, there "
        "also by http and to any port; refused in the cloud",
    )

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks; raises `Misconfigured` for what is none."""
        try:
            return tuple(map(ip_network, filter(None, self.webhook_networks.replace(" ", "").split(","))))
        except ValueError:
            raise Misconfigured("WEBHOOK_NETWORKS holds something that is not a network.") from None


class WelcomeSettings(Settings):
    """What somebody gets who opens their first account."""

    welcome_credits: int = Field(0, ge=0, description="credits of a person's first account")


class MailSettings(Settings):
    """How e-mails leave, and what they link to."""

    smtp_url: str = Field(
        description="smtps:// or smtp+starttls:// URL of the mail server, with user and password; smtp:// to "
        "this machine only"
    )
    mail_from: str = Field(description="address that e-mails come from")
    app_url: str = Field(description="https:// URL of the page that people use, which e-mails link to")


class ErasureSettings(Settings):
    """How long an erasure can be stopped."""

    erasure_grace_hours: int = Field(
        168,
        ge=0,
        le=720,
        description="hours between the order to erase an account and the erasure's beginning",
    )


class EdgeSettings(Settings):
    """The HTTP edge."""

    cors_origins: str = Field("", description="comma-separated origins that browsers may call from")
    problem_base: str = Field("https://imangor.dev/problems/", description="prefix of problem types")
    trusted_proxies: int = Field(
        0, ge=0, description="entries of X-Forwarded-For, from its end, that proxies of ours wrote"
    )
    max_body_bytes: int = Field(20 * 1024 * 1024 + 65536, description="largest body accepted over HTTP")
    log_level: str = Field("INFO", description="lowest severity that is logged")

    @property
    def origins(self) -> frozenset[str]:
        """The origins that browsers may call from."""
        return frozenset(filter(None, (origin.strip() for origin in self.cors_origins.split(","))))


class TraceSettings(Settings):
    """Where spans go, and of how many requests."""

    trace_url: str | None = Field(
        None,
        description="URL that takes OpenTelemetry's spans (OTLP over HTTP); https with Google's credentials. "
        "Without it none are recorded",
    )
    trace_sample: float = Field(
        0.05, ge=0, le=1, description="share of requests to record of those whose sender did not decide"
    )


class RevisionSettings(Settings):
    """What Cloud Run tells a function of itself."""

    k_revision: str = Field("local", description="revision that runs; Cloud Run sets it")


class AttemptSettings(Settings):
    """How often somebody may be wrong; see `shared/auth/attempts.py`."""

    attempt_limit: int = Field(
        30,
        ge=1,
        description="wrong credentials from one address, or for one name, in ten minutes",
    )


class TrialSettings(Settings):
    """What somebody without an account may try; see `shared/jobs/trial.py`."""

    trial_account: str | None = Field(
        None,
        pattern=id_pattern("acc"),
        description="account that has and pays the jobs of visitors; without it there is no trial",
    )
    trial_pictures: int = Field(100, ge=1, description="pictures that all visitors may send in a day (UTC)")
    trial_network_pictures: int = Field(
        3,
        ge=1,
        description="pictures that come from one network in a day (UTC): an IPv4 /24, an IPv6 /56",
    )
    trial_bytes: int = Field(2 * 1024 * 1024, ge=1, description="largest picture of a visitor in bytes")
    trial_pixels: int = Field(4_000_000, ge=1, description="largest picture of a visitor in pixels")

    def require_possible(self) -> None:
        """Raise `Misconfigured` for a trial that cannot work."""
        if self.trial_account is None:
            return
        if self.trial_network_pictures > self.trial_pictures:
            raise Misconfigured("TRIAL_NETWORK_PICTURES is more than TRIAL_PICTURES: nobody could have it.")
        if RedisSettings.load().redis_url is None:
            raise Misconfigured("TRIAL_ACCOUNT needs REDIS_URL, where the pictures of a network are counted.")
        if "K_SERVICE" in os.environ and EdgeSettings.load().trusted_proxies == 0:
            raise Misconfigured("TRIAL_ACCOUNT needs TRUSTED_PROXIES: else all visitors are one network.")


class BreakerSettings(Settings):
    """How many files an inbox takes before it is thought to run away; see `shared/jobs/breaker.py`."""

    breaker_object_hour: int = Field(20, ge=1, description="files under one name of an inbox in an hour")
    breaker_inbox_minute: int = Field(600, ge=1, description="files in one account's inbox in a minute")
    breaker_inbox_hour: int = Field(6000, ge=1, description="files in one account's inbox in an hour")


class SelfTestSettings(Settings):
    """How often the service tries itself, and how long that may take."""

    selftest_minutes: int = Field(
        0,
        ge=0,
        le=1440,
        description="minutes from one self-test to the next, each of which buys a picture's reading and its "
        "translation; 0 for none but those that an admin asks for",
    )
    selftest_seconds: int = Field(60, ge=1, le=600, description="seconds that a self-test takes at most")


class ReferenceSettings(Settings):
    """The files of the reference page."""

    reference_folder: str = Field(
        "reference", description="folder of the reference page's pinned files, relative to the code's root"
    )


class FontSettings(Settings):
    """The fonts that results are set in."""

    fonts_folder: str = Field("fonts", description="folder of the pinned fonts, relative to the code's root")
