"""The edge commits, once: all or nothing, again when the database asks for it, bells after the commit."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from app.kernel import doorbell, schedule  # noqa: F401  # registers kernel.run_slot
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Conflict
from app.kernel.idempotency import once
from app.kernel.transactions import Busy, in_transaction

TELLER = Actor("staff", "t1", "web")


def remember(key):
    return once("test.note", key, {}, by=TELLER, work=lambda: key).value


def known(key):
    return db.session.scalar(text("SELECT count(*) FROM idempotency_key WHERE key = :key"), {"key": key})


def test_what_fails_leaves_nothing_behind(app):
    def work():
        remember("half")
        raise Conflict("no")

    with pytest.raises(Conflict):
        in_transaction(work)

    assert known("half") == 0


def test_bells_ring_after_the_commit_and_never_for_what_was_rolled_back(app):
    waiting = doorbell.queue("default")

    def refused():
        doorbell.ring("kernel.run_slot", "1")
        raise Conflict("no")

    with pytest.raises(Conflict):
        in_transaction(refused)
    assert waiting.count == 0

    in_transaction(lambda: doorbell.ring("kernel.run_slot", "2"))
    assert waiting.count == 1


def test_a_dead_doorbell_does_not_undo_what_is_saved(app):
    app.extensions["redis"].close()
    real = app.extensions["redis"]
    app.extensions["redis"] = type(real).from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    try:
        in_transaction(lambda: (remember("kept"), doorbell.ring("kernel.run_slot", "1")))
    finally:
        app.extensions["redis"] = real

    assert known("kept") == 1


def test_a_use_case_opens_no_transaction_of_its_own(app):
    with pytest.raises(AssertionError):
        in_transaction(lambda: in_transaction(lambda: None))


def test_two_that_lock_crosswise_both_succeed_in_the_end(committed_app):
    """PostgreSQL ends one of them with 40P01; it is run again as a whole."""
    with committed_app.app_context():
        in_transaction(lambda: [remember(key) for key in ("a", "b")])
    first_locks, attempts = threading.Barrier(2, timeout=5), []

    def cross(own, other):
        def work():
            attempts.append(own)
            lock = text("SELECT 1 FROM idempotency_key WHERE key = :key FOR UPDATE")
            db.session.execute(lock, {"key": own})
            if attempts.count(own) == 1:
                first_locks.wait()
            db.session.execute(lock, {"key": other})

        with committed_app.app_context():
            in_transaction(work)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(attempts) == 3


def test_a_row_that_stays_locked_is_answered_with_busy(committed_app):
    with committed_app.app_context():
        in_transaction(lambda: remember("held"))
        holder = db.engine.connect()
        holder.execute(text("SELECT 1 FROM idempotency_key WHERE key = 'held' FOR UPDATE"))

        def work():
            db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            db.session.execute(text("SELECT 1 FROM idempotency_key WHERE key = 'held' FOR UPDATE"))

        with pytest.raises(Busy):
            in_transaction(work)
        holder.close()
