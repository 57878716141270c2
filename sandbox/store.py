"""The sandbox's ledger: one SQLite file for all its bodies, outliving restarts.

WAL with synchronous=FULL: what a commit answered for is on the disk, also after kill -9 or a power cut
(sqlite.org/wal.html). All instants are microseconds UTC (`sandbox.instants`).
"""

import sqlite3
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS note (body TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (body, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assignment (
  body TEXT, handoff_id TEXT, manner TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (body, handoff_id)) WITHOUT
  ROWID;
CREATE TABLE IF NOT EXISTS casting (
  petition_no TEXT, body TEXT, manner TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (petition_no, body)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tries (body TEXT, message_id TEXT, n INTEGER NOT NULL, PRIMARY KEY (body, message_id))
WITHOUT ROWID; CREATE TABLE IF NOT EXISTS inbox (
  body TEXT, message_id TEXT, handoff_id TEXT NOT NULL, sequence INTEGER NOT NULL, message TEXT NOT NULL, round
  INTEGER NOT NULL, raw BLOB NOT NULL, digest TEXT NOT NULL, receipt BLOB NOT NULL, received_at INTEGER NOT NULL,
  fate TEXT NOT NULL CHECK (fate IN ('held', 'applied', 'quarantined', 'duplicate')), PRIMARY KEY (body, message_id));
CREATE UNIQUE INDEX IF NOT EXISTS inbox_sequence ON inbox (body, handoff_id, sequence) WHERE fate <> 'duplicate';
CREATE INDEX IF NOT EXISTS inbox_held ON inbox (body, handoff_id) WHERE fate = 'held';
CREATE TABLE IF NOT EXISTS handoff (
  body TEXT, handoff_id TEXT, petition_no TEXT NOT NULL, bureau TEXT NOT NULL, state TEXT NOT NULL, round INTEGER NOT
  NULL, last_seq_in INTEGER NOT NULL, last_seq_out INTEGER NOT NULL, case_no TEXT NOT NULL, case_no_told INTEGER NOT
  NULL, issued_at INTEGER NOT NULL, day TEXT NOT NULL, request_digest TEXT NOT NULL, updated_at INTEGER NOT NULL, change
  INTEGER NOT NULL, memory TEXT NOT NULL, PRIMARY KEY (body, handoff_id)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS handoff_change ON handoff (body, change);
CREATE INDEX IF NOT EXISTS handoff_day ON handoff (body, day);
-- What really happened, one row each time and on purpose without any unique key: a doubled case must be visible here.
CREATE TABLE IF NOT EXISTS effect (
  id INTEGER PRIMARY KEY, body TEXT NOT NULL, handoff_id TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS effect_handoff ON effect (body, handoff_id);
CREATE TABLE IF NOT EXISTS action (
  id INTEGER PRIMARY KEY, body TEXT NOT NULL, handoff_id TEXT NOT NULL, due INTEGER NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS action_due ON action (due);
CREATE INDEX IF NOT EXISTS action_handoff ON action (body, handoff_id);
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY, body TEXT NOT NULL, message_id TEXT NOT NULL, handoff_id TEXT NOT NULL, sequence INTEGER
  NOT NULL, message TEXT NOT NULL, raw BLOB NOT NULL, original INTEGER NOT NULL, ordered INTEGER NOT NULL, copies
  INTEGER NOT NULL, send_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS outbox_sequence ON outbox (body, handoff_id, sequence) WHERE original = 1;
CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (id, send_at) WHERE sent = 0;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (send_at) WHERE sent = 0;
CREATE INDEX IF NOT EXISTS outbox_head ON outbox (body, handoff_id, sequence) WHERE sent = 0;
"""


def open_ledger(path: Path) -> sqlite3.Connection:
    """A writing connection, schema made where missing. Usable from any one thread at a time. Raises sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.executescript(_SCHEMA)
    connection.row_factory = sqlite3.Row
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read. The file must exist."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA query_only = ON")
    connection.row_factory = sqlite3.Row
    return connection


def note(connection: sqlite3.Connection, body: str, name: str) -> str | None:
    """A body's small fact kept over restarts, or None."""
    row = connection.execute("SELECT value FROM note WHERE body = ? AND name = ?", (body, name)).fetchone()
    return None if row is None else str(row[0])


def set_note(connection: sqlite3.Connection, body: str, name: str, value: str) -> None:
    """Keep a body's small fact; call inside a transaction of the writer."""
    connection.execute(
        "INSERT INTO note VALUES (?, ?, ?) ON CONFLICT (body, name) DO UPDATE SET value = excluded.value",
        (body, name, value),
    )


def count_up(connection: sqlite3.Connection, body: str, name: str) -> int:
    """Next number of a body's counter, from 1; call inside a transaction of the writer."""
    value = int(note(connection, body, name) or "0") + 1
    set_note(connection, body, name, str(value))
    return value
