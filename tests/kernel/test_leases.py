"""Work is claimed in PostgreSQL: one claim at a time, taken up again when the claimer is gone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.kernel import clock, doorbell, leases, schedule
from app.kernel.database import db
from app.kernel.leases import LeaseLost
from app.kernel.schedule import ScheduleSlot
from app.kernel.transactions import in_transaction


def slot(**values):
    def work():
        row = ScheduleSlot(
            **({"job": "test.nothing", "slot_at": datetime(2026, 11, 22, tzinfo=UTC), "due_at": clock.now()} | values)
        )
        db.session.add(row)
        db.session.flush()
        return row.id

    return in_transaction(work)


def fence_of_claim(key):
    row = leases.claim(ScheduleSlot, key, seconds=60)
    return row.fence if row else None


def test_a_claimed_row_is_nobody_elses_until_the_lease_is_over(app, clock):
    key = slot()

    assert in_transaction(lambda: fence_of_claim(key)) == 1
    assert in_transaction(lambda: fence_of_claim(key)) is None

    clock.forward(seconds=61)
    assert in_transaction(lambda: fence_of_claim(key)) == 2


def test_a_row_that_is_not_due_is_not_claimed(app, clock):
    assert in_transaction(lambda: fence_of_claim(slot_later(clock))) is None


def slot_later(clock):
    row = ScheduleSlot(job="test.later", slot_at=datetime(2026, 11, 22, tzinfo=UTC), due_at=None)
    db.session.add(row)
    db.session.flush()
    return row.id


def test_a_worker_that_was_paused_past_its_lease_writes_nothing(app, clock):
    key = slot()
    stale = in_transaction(lambda: fence_of_claim(key))
    clock.forward(seconds=61)
    in_transaction(lambda: fence_of_claim(key))

    with pytest.raises(LeaseLost):
        in_transaction(lambda: leases.hold(ScheduleSlot, key, fence=stale))


def test_of_ten_claims_at_once_one_gets_the_row(committed_app):
    with committed_app.app_context():
        key = slot()
    claims, start = [], threading.Barrier(10)

    def run():
        with committed_app.app_context():
            start.wait()
            claims.append(in_transaction(lambda: fence_of_claim(key)))

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claims, key=str) == [1, *[None] * 9]


def test_five_schedulers_make_one_slot_and_ring_once(committed_app, monkeypatch):
    start = threading.Barrier(5)

    def run():
        with committed_app.app_context():
            start.wait()
            schedule.tick()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed_app.app_context():
        jobs = db.session.execute(select(ScheduleSlot.job, func.count()).group_by(ScheduleSlot.job)).all()
        assert jobs
        assert all(count == 1 for _, count in jobs)
        assert doorbell.queue("default").count == len(jobs)


def test_a_slot_is_done_once_and_found_again_when_its_worker_died(app, clock):
    runs = []
    schedule._timetables["test.count"] = schedule._Timetable(
        schedule.timedelta(minutes=10), schedule.timedelta(0), lambda: runs.append(1)
    )
    try:
        key = slot(job="test.count")
        in_transaction(lambda: schedule._claim(key))  # a worker that died here
        assert ("kernel.run_slot", (key,)) not in schedule.due_slots()

        clock.forward(seconds=schedule.SLOT_LEASE_SECONDS + 1)
        assert ("kernel.run_slot", (key,)) in schedule.due_slots()
        schedule.run_slot(key)
        schedule.run_slot(key)
    finally:
        del schedule._timetables["test.count"]

    assert runs == [1]


def test_a_scheduler_writes_only_when_a_slot_has_come(app, clock):
    clock.set("2026-11-22T09:00:30+00:00")
    slots = schedule.tick()
    before = db.session.scalar(select(func.count()).select_from(ScheduleSlot))

    clock.forward(seconds=1)
    assert schedule.tick(slots) == slots
    assert db.session.scalar(select(func.count()).select_from(ScheduleSlot)) == before

    clock.forward(minutes=10)
    assert schedule.tick(slots) != slots
    assert db.session.scalar(select(func.count()).select_from(ScheduleSlot)) > before
