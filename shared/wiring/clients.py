"""Adapters and clients: the only file that builds them, each once for the process and on first use."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.cache.redis import RedisCache
from shared.core.config import (
    KEY_FILE,
    CallerSettings,
    ChannelSettings,
    FontSettings,
    IdentitySettings,
    MailSettings,
    Misconfigured,
    OAuthSettings,
    ProjectSettings,
    RedisSettings,
    StorageSettings,
    TokenSettings,
    TraceSettings,
    VaultSettings,
    WebhookSettings,
)

if TYPE_CHECKING:
    from shared.audit.anchors import Anchors
    from shared.auth.access_tokens import AccessTokens
    from shared.auth.directory import IdentityDirectory, PeopleEraser, SignIns
    from shared.auth.identity_tokens import IdentityTokens
    from shared.imaging.typesetting.fonts import FontLibrary
    from shared.jobs.results import ResultFiles
    from shared.mail.smtp import MailServer
    from shared.providers.translate import Translator
    from shared.providers.vision import VisionRecognizer
    from shared.queue.pubsub import EventTopic
    from shared.queue.tasks import Queues, TaskQueue
    from shared.storage.gcs import Storage
    from shared.telemetry.otlp import SpanExporter
    from shared.tokens.signing import SigningKeys
    from shared.translation.languages import Languages
    from shared.vault.keyring import Keyring
    from shared.webhooks.transport import Transport

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `shared`: the repository, or a deployed function's bundle."""


@cache
def redis_cache() -> RedisCache:
    """The process's Redis."""
    return RedisCache(RedisSettings.load())


@cache
def span_exporter() -> SpanExporter | None:
    """The process's way out for spans, where there is one."""
    url = TraceSettings.load().trace_url
    if url is None:
        return None
    from shared.telemetry.otlp import SpanExporter

    return SpanExporter(url, ProjectSettings.load().google_cloud_project)


@cache
def storage() -> Storage:
    """The process's storage client."""
    from shared.storage.gcs import Storage

    return Storage(StorageSettings.load())


@cache
def languages() -> Languages:
    """The process's list of languages."""
    from shared.translation.languages import Language, Languages

    def load() -> list[Language]:
        return [Language(**each._asdict()) for each in translator("global").languages()]

    return Languages(redis_cache(), load)


def result_files() -> ResultFiles:
    """The files in the results bucket."""
    from shared.jobs.results import ResultFiles

    return ResultFiles(storage(), StorageSettings.load().results_bucket)


def audit_anchors() -> Anchors:
    """Where heads of audit chains are published."""
    from shared.audit.anchors import Anchors
    from shared.storage.folder import BucketFolder

    return Anchors(BucketFolder(storage(), StorageSettings.load().results_bucket))


@cache
def task_queue() -> TaskQueue:
    """The process's Cloud Tasks client."""
    from shared.queue.tasks import TaskQueue

    return TaskQueue(ProjectSettings.load(), ChannelSettings.load(), CallerSettings.load())


@cache
def queues() -> Queues:
    """The process's way to queues themselves."""
    from shared.queue.tasks import Queues

    return Queues(ProjectSettings.load(), ChannelSettings.load())


@cache
def topics() -> EventTopic:
    """The process's Pub/Sub client."""
    from shared.queue.pubsub import EventTopic

    return EventTopic(ProjectSettings.load())


def vision(location: str) -> VisionRecognizer:
    """Recognition in a location."""
    from shared.providers.vision import VisionRecognizer

    return VisionRecognizer(ChannelSettings.load(), location)


def translator(location: str) -> Translator:
    """Translation in a location."""
    from shared.providers.translate import Translator

    return Translator(ProjectSettings.load().google_cloud_project, ChannelSettings.load(), location)


def webhook_transport() -> Transport:
    """The way to customers."""
    from shared.webhooks.transport import Transport

    return Transport(WebhookSettings.load().networks)


@cache
def keyring() -> Keyring:
    """The process's data keys."""
    from shared.vault.cloud_kms import SCHEME, CloudKmsKey
    from shared.vault.key_file import KeyFile
    from shared.vault.keyring import Keyring

    kinds = {SCHEME: CloudKmsKey, KEY_FILE: KeyFile}
    uris = VaultSettings.load().vault_keys.split()
    kind_of = {uri: kind for uri in uris for scheme, kind in kinds.items() if uri.startswith(scheme)}
    if not uris or len(kind_of) < len(set(uris)):
        raise Misconfigured("VAULT_KEYS holds something that is no key.")
    return Keyring([kind_of[uri](uri) for uri in uris])


@cache
def identity_tokens() -> IdentityTokens:
    """The process's proof of the identity service's tokens, with its certificates."""
    from shared.auth.identity_tokens import IdentityTokens

    settings = IdentitySettings.load()
    return IdentityTokens(ProjectSettings.load().google_cloud_project, settings.identity_certificates)


@cache
def directory() -> IdentityDirectory:
    """The process's way to the identity service's list of people."""
    from shared.auth.directory import IdentityDirectory

    return IdentityDirectory(ProjectSettings.load().google_cloud_project)


@cache
def people_eraser() -> PeopleEraser:
    """The process's way to have the identity service forget people."""
    from shared.auth.directory import PeopleEraser

    return PeopleEraser(ProjectSettings.load().google_cloud_project)


@cache
def sign_ins() -> SignIns:
    """The process's way to sign-ins at the identity service."""
    from shared.auth.directory import SignIns

    return SignIns(ProjectSettings.load().google_cloud_project)


@cache
def mail_server() -> MailServer:
    """The process's way to the mail server."""
    from shared.mail.smtp import MailServer

    return MailServer(MailSettings.load())


@cache
def signing_keys() -> SigningKeys:
    """What this process signs access tokens with."""
    from shared.tokens.signing import SigningKeys

    return SigningKeys(TokenSettings.load().token_issuer, OAuthSettings.load().signing_secrets)


@cache
def access_tokens() -> AccessTokens:
    """What this process proves access tokens by."""
    from shared.auth.access_tokens import KEYS_PATH, AccessTokens, read_key_set
    from shared.auth.certificates import Certificates

    issuer = TokenSettings.load().token_issuer
    return AccessTokens(issuer, Certificates(issuer + KEYS_PATH, read=read_key_set))


@cache
def fonts() -> FontLibrary:
    """The pinned fonts of this deployment."""
    from shared.imaging.typesetting.fonts import FontLibrary

    return FontLibrary(ROOT / FontSettings.load().fonts_folder)
