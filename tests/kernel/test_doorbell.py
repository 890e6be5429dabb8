"""A ring says "look at this row now"; a sweep finds what was lost and does not bury a worker that is behind."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.kernel import doorbell
from app.kernel.database import db


@pytest.fixture
def bell(app, monkeypatch):
    """A doorbell with two jobs and one search of its own."""
    answered, found = [], []
    monkeypatch.setattr(doorbell, "_jobs", {})
    monkeypatch.setattr(doorbell, "_sweeps", {"test.due": lambda: found})

    def look(row: int) -> None:
        if row == 13:
            raise RuntimeError("this row cannot be read")
        answered.append((row, db.session.scalar(text("SELECT 1"))))

    monkeypatch.setitem(doorbell._jobs, "test.look", doorbell._Job("payments", look))
    bell = type("Bell", (), {"answered": answered, "found": found, "queue": doorbell.queue("payments")})
    bell.queue.empty()
    return bell


def work_off(queue):
    for job in queue.jobs:
        function = {"answer": doorbell.answer, "answer_all": doorbell.answer_all}[job.func_name.rsplit(".", 1)[1]]
        function(*job.args)
    queue.empty()


def test_rows_that_a_sweep_found_are_each_looked_at(bell):
    bell.found += [("test.look", (row,)) for row in range(50)]

    assert doorbell.sweep_all() == {"test.due": 50}
    assert bell.queue.count == 3  # handfuls of twenty
    work_off(bell.queue)

    assert [row for row, _ in bell.answered] == [*range(13), *range(14, 50)]


def test_sweeps_do_not_bury_a_worker_that_is_behind(bell):
    bell.found += [("test.look", (row,)) for row in range(500)]

    for _ in range(20):
        doorbell.sweep_all()

    assert bell.queue.count <= doorbell.BACKLOG + 500 // doorbell.FOUND_TOGETHER


def test_a_broken_search_does_not_hide_the_others(bell, monkeypatch):
    def broken():
        raise RuntimeError("no such table")

    monkeypatch.setitem(doorbell._sweeps, "a.broken", broken)
    bell.found.append(("test.look", (1,)))

    doorbell.sweep_all()

    assert bell.queue.count == 1
