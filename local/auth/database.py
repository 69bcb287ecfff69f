"""What the Auth emulator keeps: one SQLite file in WAL mode, used from the event loop's thread only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY, email TEXT UNIQUE, phone TEXT UNIQUE, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
  provider TEXT NOT NULL, raw_id TEXT NOT NULL, account TEXT NOT NULL,
  PRIMARY KEY (provider, raw_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, kind TEXT NOT NULL, email TEXT NOT NULL, new_email TEXT, link TEXT NOT NULL,
  created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
  digest BLOB PRIMARY KEY, account TEXT NOT NULL, provider TEXT NOT NULL, signed_in INTEGER NOT NULL,
  claims TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
  email TEXT PRIMARY KEY, count INTEGER NOT NULL, last REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS config (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open or create the folder's file; a killed process loses nothing that it had committed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "auth.db", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode=WAL")
    # The operating system keeps what a killed process has written; only a power cut could lose it.
    db.execute("PRAGMA synchronous=OFF")
    db.executescript(SCHEMA)
    return db
