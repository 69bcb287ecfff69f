"""Two accounts with a row in every table, and the worker that erases one of them."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from shared.auth.principal import Principal
from shared.core.credentials import Credentials
from shared.db.models import metadata
from shared.privacy.eraser import Eraser
from shared.privacy.erasures import ErasureService, Receipts
from shared.privacy.messages import EraseAccount
from shared.privacy.schemas import OrderErasure
from shared.sessions.recency import RecentSignIn
from shared.storage.errors import StorageUnavailable
from shared.storage.gcs import ObjectInfo
from shared.tokens.signing import SigningKeys
from tests.integration.test_db_tenancy import OWN_COLUMN, World
from tests.integration.test_people import Vault

PLACES = (("up", "uploads"), ("up", "inbox"), ("res", "results"), ("res", "exports"))
GRACE = timedelta(hours=168)
ISSUER = "https://api.test"
KEYS = SigningKeys(ISSUER, ["a secret of more than 32 characters"])


class Bucket:
    """Objects of both buckets, each with its generations."""

    def __init__(self):
        self.objects = defaultdict(dict)
        self.broken = False

    def put(self, bucket, name):
        versions = self.objects[bucket].setdefault(name, [])
        versions.append(1 + sum(map(len, self.objects[bucket].values())))

    def names(self, part=""):
        return sorted(n for found in self.objects.values() for n, kept in found.items() if kept and part in n)

    def list(self, bucket, prefix, *, versions=False):
        for name in sorted(self.objects[bucket]):
            if name.startswith(prefix):
                for generation in list(self.objects[bucket][name]):
                    yield ObjectInfo(name, generation, 1, None, datetime.now(UTC))

    def erase(self, bucket, name, generation):
        if self.broken:
            raise StorageUnavailable()
        kept = self.objects[bucket].get(name, [])
        if generation in kept:
            kept.remove(generation)

    @contextmanager
    def writer(self, bucket, name, media_type, metadata):
        yield io.BytesIO()
        self.put(bucket, name)


class Directory:
    """The identity service's list of people."""

    def __init__(self):
        self.deleted = []

    def delete(self, uid):
        self.deleted.append(uid)


@dataclass
class Tokens:
    """Proves every ID token, and says when its person signed in."""

    auth_time: float = field(default_factory=time.time)

    def verify_id_token(self, token):
        return SimpleNamespace(auth_time=self.auth_time)


class Erasing:
    """Two accounts, `a` and `b`, and the services of erasures."""

    def __init__(self, database):
        self.database, self.vault = database, Vault()
        self.world = World(database)
        self.a, self.b = self.world.a, self.world.b
        # What the world has for its own purposes: an erasure that waits, and bytes that nobody sealed.
        database.run("delete from account_erasures")
        for table in ("invitations", "emails", "platform_admins"):
            database.run(f"delete from {table}")  # noqa: S608 - our own names
        self.bucket, self.directory, self.tokens, self.sent = Bucket(), Directory(), Tokens(), []
        for account in (self.a, self.b):
            for bucket, folder in (
                ("up", "uploads"),
                ("up", "inbox"),
                ("res", "results"),
                ("res", "exports"),
            ):
                for name in ("one", "two", "two"):
                    self.bucket.put(bucket, f"{folder}/{account}/{name}")
        self.caller = Principal("key_1", self.a, frozenset())
        self.opened = self.most = 0

    def call(self, operation, *arguments, account=None, user=None):
        account = account or self.a
        with self.database.uow(account, deliver=self.sent.extend) as uow:
            service = ErasureService(
                lambda: uow,
                lambda: self.database.uow(account),
                lambda: self.vault,
                RecentSignIn(lambda who: self.database.uow(user=who), lambda: self.tokens),
                GRACE,
                ISSUER,
            )
            return getattr(service, operation)(*arguments)

    def order(self, caller=None, credentials=None, **body):
        caller = caller or self.caller
        wanted = OrderErasure(**{"account": caller.account, **body})
        credentials = credentials or Credentials(api_key="k")
        return self.call("order", caller, credentials, wanted, account=caller.account)

    def receipt(self, erasure):
        found = Receipts(lambda receipt: self.database.uow(key_hash=receipt))
        return found.get(erasure.receipt_url.rsplit("/", 1)[1])

    def erase(self, erasure, settle=timedelta(0), account=None, lease=0):
        """One run of the worker. With `most` it dies when it opens one unit of work more than that."""
        self.opened = 0
        worker = Eraser(
            self._open,
            self.vault,
            self.bucket,
            {"uploads": "up", "results": "res"},
            lambda: self.directory,
            lambda: KEYS,
            settle,
        )
        worker.erase(EraseAccount(account=account or self.a, erasure=erasure.id), lease)

    def begin(self):
        """Order an erasure, and let the time pass in which it could be stopped."""
        erasure = self.order()
        self.database.run("update account_erasures set due_at = now() where id = :id", id=erasure.id)
        return erasure

    def rows(self, account):
        """How many rows of an account there are in each table."""
        found = {}
        for name, table in metadata.tables.items():
            column = OWN_COLUMN.get(name, "account_id")
            if column in table.columns:
                statement = f"select count(*) from {name} where {column} = :a"  # noqa: S608 - our own names
                found[name] = self.database.value(statement, a=account)
        return found

    def everything(self, account):
        """All that stands in the rows of an account, as text."""
        told = []
        for name, table in metadata.tables.items():
            column = OWN_COLUMN.get(name, "account_id")
            if column in table.columns:
                statement = f"select to_jsonb(t)::text from {name} t where {column} = :a order by 1"  # noqa: S608
                told += [(name, row[0]) for row in self.database.rows(statement, a=account)]
        return told

    def _open(self, account, user):
        self.opened += 1
        if self.most and self.opened > self.most:
            raise KeyboardInterrupt
        return self.database.uow(account, eraser=True, user=user, deliver=self.sent.extend)


@pytest.fixture
def erasing(database):
    return Erasing(database)
