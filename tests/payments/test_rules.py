"""When to ask again, and what an answer says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import kes
from app.payments import rules
from app.payments.destinations import normalised
from app.payments.rails import Outcome
from app.payments.states import PaymentState

SENT_AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds_since", "next_after"),
    [
        (0, 25),
        (24, 25),
        (25, 55),
        (60, 85),
        (150, 175),
        (175, 300),
        (400, 900),
        (1000, 3600),
        (3600, 7200),
        (90000, 93600),
    ],
)
def test_questions_come_at_growing_pauses(seconds_since, next_after):
    now = SENT_AT + timedelta(seconds=seconds_since)

    assert rules.next_question(SENT_AT, now) == SENT_AT + timedelta(seconds=next_after)


@given(st.integers(0, 10**6))
def test_the_next_question_is_always_ahead_and_never_more_than_an_hour(seconds):
    now = SENT_AT + timedelta(seconds=seconds)

    assert now < rules.next_question(SENT_AT, now) <= now + timedelta(hours=1)


def test_an_answer_that_settles_nothing_leaves_a_ringing_phone_ringing_for_three_minutes():
    early, late = timedelta(minutes=2), timedelta(minutes=4)

    assert rules.state_after(PaymentState.PENDING, Outcome.UNKNOWN, age=early) is PaymentState.PENDING
    assert rules.state_after(PaymentState.PENDING, Outcome.UNKNOWN, age=late) is PaymentState.UNKNOWN
    assert rules.state_after(PaymentState.PENDING, Outcome.LIVE, age=late) is PaymentState.UNKNOWN
    assert rules.state_after(PaymentState.SUBMITTED, Outcome.UNKNOWN, age=early) is PaymentState.UNKNOWN


def test_money_is_shared_as_intended_only_when_it_is_what_was_asked_for():
    assert rules.shares([kes(300), kes(200)], kes(500)) == [kes(300), kes(200)]
    assert rules.shares([kes(300), kes(200)], kes(499)) is None
    assert rules.shares([], kes(500)) is None


@pytest.mark.parametrize("typed", ["SV-000123", "sv000123", " SV 000123 ", "sv.000.123"])
def test_an_account_reference_matches_however_it_was_typed(typed):
    assert normalised(typed) == "SV000123"
