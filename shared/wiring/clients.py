"""Adapters and clients: the only file that builds them, each once for the process and on first use."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.cache.redis import RedisCache
from shared.core.config import (
    CallerSettings,
    ChannelSettings,
    FontSettings,
    MailSettings,
    ProjectSettings,
    RedisSettings,
    StorageSettings,
    WebhookSettings,
)

if TYPE_CHECKING:
    from shared.audit.anchors import Anchors
    from shared.imaging.fonts import FontLibrary
    from shared.jobs.results import ResultFiles
    from shared.mail.smtp import MailServer
    from shared.providers.translate import Translator
    from shared.providers.vision import VisionRecognizer
    from shared.queue.pubsub import EventTopic
    from shared.queue.tasks import TaskQueue
    from shared.storage.gcs import Storage
    from shared.translation.languages import Languages
    from shared.webhooks.sealing import Seal
    from shared.webhooks.transport import Transport

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `shared`: the repository, or a deployed function's bundle."""


@cache
def redis_cache() -> RedisCache:
    """The process's Redis."""
    return RedisCache(RedisSettings.load())


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


def webhook_seal() -> Seal:
    """What customers' signing secrets are encrypted with."""
    from shared.webhooks.sealing import Seal

    return Seal(WebhookSettings.load().webhook_key)


@cache
def mail_server() -> MailServer:
    """The process's way to the mail server."""
    from shared.mail.smtp import MailServer

    return MailServer(MailSettings.load())


@cache
def fonts() -> FontLibrary:
    """The pinned fonts of this deployment."""
    from shared.imaging.fonts import FontLibrary

    return FontLibrary(ROOT / FontSettings.load().fonts_folder)
