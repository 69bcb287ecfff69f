"""The emulator's metadata: one SQLite file in WAL mode, used from the event loop's thread only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT PRIMARY KEY, metageneration INTEGER NOT NULL, fields TEXT NOT NULL,
  created REAL NOT NULL, updated REAL NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL, metageneration INTEGER NOT NULL,
  live INTEGER NOT NULL, content TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT, crc32c TEXT NOT NULL,
  components INTEGER, fields TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL, deleted REAL,
  PRIMARY KEY (bucket, name, generation)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live_version ON objects (bucket, name) WHERE live = 1;
CREATE TABLE IF NOT EXISTS last_generation (value INTEGER NOT NULL);
INSERT INTO last_generation SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM last_generation);
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, bucket TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, fields TEXT NOT NULL,
  preconditions TEXT NOT NULL, checksums TEXT NOT NULL, min_size INTEGER, max_size INTEGER, total INTEGER,
  finished INTEGER, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notification_configs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, topic TEXT NOT NULL, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, attributes TEXT NOT NULL, data BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, created REAL NOT NULL);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Open (or create) the metadata file; a killed process loses nothing it had committed."""
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode=WAL")
    # The operating system keeps what a killed process has written; only a power cut could lose it.
    db.execute("PRAGMA synchronous=OFF")
    db.executescript(SCHEMA)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: what is written inside is committed together, or not at all when it raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
