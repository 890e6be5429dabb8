"""The providers' own books: one SQLite file, durable, written by one thread at a time.

Nothing lives in memory only. A prompt that waits for a PIN, a callback that is due in a minute and a fault that
somebody set are rows, so that the sandbox can be killed and started again in the middle of anything.
"""

from __future__ import annotations

import fcntl
import json
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS wallet (
    phone TEXT PRIMARY KEY,
    first_name TEXT NOT NULL, middle_name TEXT NOT NULL, last_name TEXT NOT NULL,
    balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0),
    pin TEXT NOT NULL,
    pin_failures INTEGER NOT NULL DEFAULT 0,
    auto_answer TEXT,
    delay_ms INTEGER NOT NULL DEFAULT 0,
    sms_blocked INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS shortcode (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('paybill', 'store', 'till')),
    store TEXT,
    utility_cents INTEGER NOT NULL DEFAULT 0,
    maximum_cents INTEGER,
    validation INTEGER NOT NULL DEFAULT 1,
    msisdn_form TEXT NOT NULL DEFAULT 'by_version' CHECK (msisdn_form IN ('by_version', 'clear', 'older_mask')));

CREATE TABLE IF NOT EXISTS movement (
    receipt TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    phone TEXT NOT NULL,
    shortcode TEXT NOT NULL,
    account TEXT NOT NULL,
    status TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('stk', 'c2b')),
    utility_after_cents INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS movement_at ON movement (at);
CREATE INDEX IF NOT EXISTS movement_phone ON movement (phone, at);

CREATE TABLE IF NOT EXISTS token (
    token TEXT PRIMARY KEY, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS prompt (
    checkout_request_id TEXT PRIMARY KEY,
    merchant_request_id TEXT NOT NULL,
    shortcode TEXT NOT NULL, party_b TEXT NOT NULL, transaction_type TEXT NOT NULL,
    phone TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    account TEXT NOT NULL, description TEXT NOT NULL, callback_url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    reaches_phone INTEGER NOT NULL DEFAULT 1,
    ignored INTEGER NOT NULL DEFAULT 0,
    forced TEXT,
    created_at INTEGER NOT NULL, shows_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, closed_at INTEGER,
    result_code TEXT, result_text TEXT, receipt TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS prompt_one_open ON prompt (phone) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS prompt_phone ON prompt (phone, created_at);

CREATE TABLE IF NOT EXISTS c2b_url (
    shortcode TEXT PRIMARY KEY, version TEXT NOT NULL, response_type TEXT NOT NULL,
    confirmation_url TEXT NOT NULL, validation_url TEXT NOT NULL, registered_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS pull_registration (
    shortcode TEXT PRIMARY KEY, nominated_number TEXT NOT NULL, callback_url TEXT NOT NULL,
    registered_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL, kind TEXT NOT NULL, operations TEXT NOT NULL, phone TEXT,
    times_left INTEGER NOT NULL, delay_ms INTEGER NOT NULL, extra TEXT NOT NULL, created_at INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, payload TEXT NOT NULL, due_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')));
CREATE INDEX IF NOT EXISTS task_due ON task (due_at) WHERE state = 'waiting';

CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, subject TEXT NOT NULL, phone TEXT NOT NULL,
    url TEXT NOT NULL, content_type TEXT NOT NULL, body TEXT NOT NULL, note TEXT NOT NULL,
    due_at INTEGER NOT NULL, sent_at INTEGER, answered_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'lost', 'sending', 'answered', 'failed')),
    http_status INTEGER, answer TEXT);
CREATE INDEX IF NOT EXISTS delivery_phone ON delivery (phone, id);
CREATE INDEX IF NOT EXISTS delivery_subject ON delivery (subject, id);

CREATE TABLE IF NOT EXISTS sms (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE NOT NULL,
    provider TEXT NOT NULL, phone TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
    at INTEGER NOT NULL, parts INTEGER NOT NULL, cost_ten_thousandths INTEGER NOT NULL, status TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sms_phone ON sms (phone, number);
"""

Tx = sqlite3.Connection


def insert(tx: Tx, table: str, **values: Any) -> int:
    """Add a row; gives its number. Tables and columns are named in our own code only."""
    marks = ", ".join("?" * len(values))
    cursor = tx.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    assert cursor.lastrowid is not None
    return cursor.lastrowid


class InUse(Exception):
    """Another sandbox works on this folder; two would both do what is due."""


def _claim(path: Path) -> TextIO:
    """Hold a folder for as long as this process lives."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InUse(f"Another sandbox uses {path.parent}.") from None
    return file


class Books:
    """The file with everything the providers know."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(folder / "in-use")
        self._path = folder / "books.sqlite3"
        self._writer = threading.Lock()
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._task_added = False
        self.bell = threading.Event()  # set once new work is saved; the engine waits for it
        with self._connection() as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """One consistent look at the books."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """All of what happens inside is saved, or none of it. Never nested: functions hand ``tx`` on instead."""
        with self._writer, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._task_added = False
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            ring = self._task_added
        if ring:
            self.bell.set()

    def later(self, tx: Tx, kind: str, due_at: int, **payload: Any) -> None:
        """Have the engine do something at an instant; saved with the rest of the transaction."""
        insert(tx, "task", kind=kind, payload=json.dumps(payload), due_at=due_at)
        self._task_added = True

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; it is kept for the next one who needs it."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # What is committed survives any kill of this process. Only a machine that loses power may forget the last
        # moments, and waiting for the disk each time would slow down the system that is being tested beside it.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
