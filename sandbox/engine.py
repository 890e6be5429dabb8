"""Does what is due: prompts appear and expire, callbacks leave, texts arrive. What is due is rows in the books."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox import clock
from sandbox.books import Books

AT_ONCE = 64
"""Tasks that run side by side; a callback address that hangs must not hold up everybody else's."""

IDLE_SECONDS = 5
"""The longest sleep; only a safety net, since new work rings the bell."""

Handler = Callable[..., None]
log = logging.getLogger("sandbox")


class Engine:
    """One thread that watches the clock and hands each due task to a thread of its own."""

    def __init__(self, books: Books, handlers: Mapping[str, Handler]) -> None:
        self._books = books
        self._handlers = handlers
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def start(self) -> None:
        """Pick up where the last process stopped, then go on."""
        with self._books.writing() as tx:
            # Every handler but a delivery may run twice. A callback that was on its way is not sent again: the
            # provider posts once.
            tx.execute("UPDATE task SET state = 'failed' WHERE state = 'running' AND kind = 'deliver'")
            tx.execute("UPDATE task SET state = 'waiting' WHERE state = 'running'")
            tx.execute(
                "UPDATE delivery SET state = 'failed', answer = 'cut short by a restart' WHERE state = 'sending'"
            )
        threading.Thread(target=self._watch, name="engine", daemon=True).start()

    def _watch(self) -> None:
        while True:
            try:
                self._books.bell.clear()
                for task_id, kind, payload in self._claim_due():
                    self._places.acquire()
                    threading.Thread(target=self._run, args=(task_id, kind, payload), daemon=True).start()
                self._books.bell.wait(self._seconds_to_next())
            except sqlite3.Error:  # a full disk, for example; what is due is still due afterwards
                log.exception("The books cannot be read")
                time.sleep(1)

    def _claim_due(self) -> list[tuple[int, str, dict[str, Any]]]:
        with self._books.writing() as tx:
            rows = tx.execute(
                "UPDATE task SET state = 'running' WHERE state = 'waiting' AND due_at <= ? RETURNING *",
                (clock.now_ms(),),
            ).fetchall()
        rows.sort(key=lambda row: (row["due_at"], row["id"]))
        return [(row["id"], row["kind"], json.loads(row["payload"])) for row in rows]

    def _seconds_to_next(self) -> float:
        with self._books.reading() as tx:
            due_at: int | None = tx.execute("SELECT min(due_at) FROM task WHERE state = 'waiting'").fetchone()[0]
        if due_at is None:
            return IDLE_SECONDS
        return min(max(due_at - clock.now_ms(), 1) / 1000, IDLE_SECONDS)

    def _run(self, task_id: int, kind: str, payload: dict[str, Any]) -> None:
        state = "failed"
        try:
            self._handlers[kind](**payload)
            state = "done"
        except Exception:  # the thread's outermost frame: one bad task must not be silent, nor stop the others
            log.exception("Task %s (%s) failed", task_id, kind)
        finally:
            self._places.release()
        with self._books.writing() as tx:
            tx.execute("UPDATE task SET state = ? WHERE id = ?", (state, task_id))
