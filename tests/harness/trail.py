"""Watches every transaction that the application saves: what changed a business table must have left an audit row.

``tests/audit/trail.csv`` says of each table of the database whether it is *audited*, or why not. The watch is
on in every test, so every page, endpoint, job and command that any test walks through is held to it: a request that
writes to an audited table and saves no row of ``audit_event`` with it fails the test that sent it.
"""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, SessionTransaction

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests" / "audit" / "trail.csv"
EDGE = ROOT / "app" / "kernel" / "transactions.py"
TRAIL = "audit_event"

_WRITE = re.compile(
    r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?\"?([a-z_]+(?:\.[a-z_]+)?)\"?", re.IGNORECASE
)
_SET = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", re.IGNORECASE | re.DOTALL)
_COLUMN = re.compile(r"(?:^|,)\s*\"?([a-z_]+)\"?\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is meant for one table."""

    table: str
    audited: bool
    quiet_columns: frozenset[str]  # an update of nothing but these needs no row
    reason: str


@dataclass(frozen=True, slots=True)
class Unaudited:
    """A transaction of the application that changed something without a trace."""

    tables: tuple[str, ...]
    edge: str

    def __str__(self) -> str:
        return (
            f"{self.edge} changed {', '.join(self.tables)} and left no audit row: call audit.record in the use case,"
            " or say in tests/audit/trail.csv why the table needs none"
        )


EXCUSED = ("app/kernel/rotation.py",)  # the same values under another key: nothing of what they say changes

found: list[Unaudited] = []
"""What the current test's transactions left untold; emptied by the fixture."""


@cache
def verdicts() -> dict[str, Verdict]:
    """The table of tables."""
    with FILE.open(newline="") as file:
        return {
            line["table"]: Verdict(
                line["table"], line["verdict"] == "audited", frozenset(line["quiet_columns"].split()), line["reason"]
            )
            for line in csv.DictReader(file)
        }


@cache
def written_by(statement: str) -> frozenset[str]:
    """The tables that a statement writes and of which a trace is wanted; the trail itself among them."""
    tables = set()
    for kind, name in _WRITE.findall(statement):
        verdict = verdicts().get(name)
        if name == TRAIL or (verdict and verdict.audited and not _is_quiet(kind, statement, verdict)):
            tables.add(name)
    return frozenset(tables)


def start() -> None:
    """Watch every engine and session of this process."""
    event.listen(Engine, "after_cursor_execute", _note)
    event.listen(Session, "after_begin", _begin)
    event.listen(Session, "after_commit", _saved)
    event.listen(Session, "after_transaction_end", _end)


def _is_quiet(kind: str, statement: str, verdict: Verdict) -> bool:
    change = _SET.search(statement)
    if not kind.upper().startswith("UPDATE") or not verdict.quiet_columns or change is None:
        return False
    return set(_COLUMN.findall(change[1])) <= verdict.quiet_columns


def _note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    tables = written_by(statement)
    if tables and cursor.rowcount != 0:
        connection.info.setdefault("written", set()).update(tables)


def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    session.info.setdefault("notes", {})[id(connection.info)] = connection.info


def _saved(session: Session) -> None:
    written = set().union(*(note.get("written", ()) for note in session.info.get("notes", {}).values()))
    if session.in_nested_transaction() or not written or TRAIL in written:
        return
    edge = _edge()
    if edge is not None:
        found.append(Unaudited(tuple(sorted(written)), edge))


def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        for note in session.info.pop("notes", {}).values():
            note.pop("written", None)


def _edge() -> str | None:
    """The application's edge that opened this transaction; None where a test did, or nobody."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename != str(EDGE):
        frame = frame.f_back
    opener = frame.f_back if frame else None
    if opener is None or not opener.f_code.co_filename.startswith(f"{ROOT}/app/"):
        return None
    path = str(Path(opener.f_code.co_filename).relative_to(ROOT))
    return None if path in EXCUSED else f"{path}:{opener.f_lineno} {opener.f_code.co_name}"
