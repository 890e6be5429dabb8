"""When the list of receipts is read, how far back, and what a pull that died leaves behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel import clock as kernel_clock
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.payments.rails.mpesa import jobs, pulling
from app.payments.rails.mpesa.codes import NOTHING_LEARNED, WRONG_KEYS
from app.payments.rails.mpesa.models import MpesaPull
from tests.payments.mpesa.conftest import SHORTCODE, at

NOW = at("2026-11-20T09:00:00+00:00")


@pytest.fixture
def noon(app, clock, paybill):
    clock.set(NOW)


def row() -> MpesaPull:
    db.session.expire_all()
    return db.session.get_one(MpesaPull, SHORTCODE)


def want(**ago):
    in_transaction(lambda: pulling.want(SHORTCODE, since=kernel_clock.now() - timedelta(**ago)))


def claim():
    return in_transaction(lambda: pulling.claim_window(SHORTCODE))


def finish(window, **how):
    in_transaction(lambda: pulling._finish(window, **how))


def test_the_usual_window_overlaps_what_is_known(noon, clock):
    in_transaction(lambda: pulling.want_usual(SHORTCODE))
    window = claim()
    assert (window.since, window.until) == (NOW - pulling.USUAL_WINDOW, NOW)
    finish(window)

    clock.forward(minutes=10)
    in_transaction(lambda: pulling.want_usual(SHORTCODE))

    assert claim().since == NOW + timedelta(minutes=10) - pulling.USUAL_WINDOW


def test_after_an_outage_the_window_reaches_back_to_what_is_known(noon, clock):
    want(minutes=30)
    finish(claim())

    clock.forward(hours=20)
    in_transaction(lambda: pulling.want_usual(SHORTCODE))

    assert claim().since == NOW - pulling.OVERLAP


def test_no_window_reaches_further_back_than_mpesas_list(noon, clock):
    want(minutes=30)
    finish(claim())

    clock.forward(days=9)
    in_transaction(lambda: pulling.want_usual(SHORTCODE))

    assert claim().since == kernel_clock.now() - pulling.LONGEST_WINDOW + timedelta(minutes=1)


def test_what_is_wanted_while_a_pull_runs_is_the_next_ones_work(noon, clock):
    want(minutes=30)
    window = claim()

    want(minutes=5)
    assert claim() is None
    finish(window)
    assert row().due_at == NOW + pulling.BETWEEN_PULLS

    clock.forward(seconds=20)
    assert claim().since == NOW - timedelta(minutes=5)


def test_after_a_pull_that_found_nobody_waiting_nothing_is_due(noon):
    want(minutes=30)
    finish(claim())

    assert row().due_at is None


def test_a_pull_that_died_is_taken_up_again_with_all_it_was_to_read(noon, clock):
    in_transaction(lambda: pulling.want_all(SHORTCODE))
    died = claim()

    clock.forward(seconds=pulling.LEASE_SECONDS + 1)
    again = claim()

    assert again.since <= died.since + timedelta(minutes=5)
    assert again.fence == died.fence + 1


def test_a_pull_that_was_overtaken_writes_nothing(noon, clock):
    want(minutes=30)
    died = claim()
    clock.forward(seconds=pulling.LEASE_SECONDS + 1)
    claim()

    finish(died)

    assert row().complete_until is None


def test_a_failed_pull_is_tried_again_with_the_same_window(noon, clock):
    want(minutes=30)
    finish(claim(), trouble=NOTHING_LEARNED)
    assert row().due_at == NOW + pulling.AFTER_TROUBLE

    clock.forward(minutes=2, seconds=1)

    assert claim().since == NOW - timedelta(minutes=30)


def test_what_only_an_administrator_can_mend_waits_for_the_timetable(noon):
    want(minutes=30)
    finish(claim(), trouble=WRONG_KEYS)

    assert row().due_at is None
    assert row().detail == WRONG_KEYS.words


def test_many_payments_without_a_receipt_make_one_pull_in_a_while(noon, clock):
    want(minutes=30)
    finish(claim())

    clock.forward(seconds=1)
    for _ in range(5):
        want(minutes=30)

    assert claim() is None
    clock.forward(seconds=15)
    assert claim() is not None


def test_a_paybill_that_is_no_longer_set_up_is_left_alone(noon, paybill):
    want(minutes=30)
    paybill(mpesa_shortcode=None)

    jobs.pull(SHORTCODE)

    assert row().due_at is None
    assert list(jobs.due_pulls()) == []


def test_the_sweep_finds_a_pull_whose_ring_was_lost(noon):
    want(minutes=30)

    assert list(jobs.due_pulls()) == [("mpesa.pull", (SHORTCODE,))]
