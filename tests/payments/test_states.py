"""Every pair of states: allowed exactly where the architecture says so."""

from __future__ import annotations

import itertools

import pytest

from app.payments.states import Direction, PaymentState, may_move

# Transcribed from the house's drawing (architecture, Money in and out), not from the code.
DRAWING = """
created   -> submitted cancelled failed succeeded
submitted -> pending paid succeeded failed cancelled expired unknown
pending   -> paid succeeded failed cancelled expired unknown
paid      -> succeeded
unknown   -> pending paid succeeded failed cancelled expired
succeeded -> settled reversed
settled   -> reversed
"""
ONLY_FOR_MONEY_IN = {(state, late) for state in ("failed", "cancelled", "expired") for late in ("paid", "succeeded")}


def drawn(direction):
    pairs = set()
    for line in DRAWING.strip().splitlines():
        state, _, targets = line.partition("->")
        pairs |= {(state.strip(), target) for target in targets.split()}
    if direction is Direction.IN:
        return pairs | ONLY_FOR_MONEY_IN
    return {(state, target) for state, target in pairs if target != "paid" and state != "paid"} | {
        ("paid", "succeeded")
    }


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("state", "target"), list(itertools.product(PaymentState, repeat=2)))
def test_a_payment_moves_exactly_where_the_drawing_says(direction, state, target):
    assert may_move(state, target, direction) == ((state.value, target.value) in drawn(direction))


def test_a_screen_stops_asking_when_there_is_an_outcome():
    closed = {state.value for state in PaymentState if state.is_closed}

    assert closed == {"succeeded", "settled", "reversed", "failed", "cancelled", "expired"}


def test_nothing_can_change_a_failed_payout_but_money_may_still_come_in():
    certain_out = {state.value for state in PaymentState if state.is_certain(Direction.OUT)}
    certain_in = {state.value for state in PaymentState if state.is_certain(Direction.IN)}

    assert certain_out == {"reversed", "failed", "cancelled", "expired"}
    assert certain_in == {"reversed"}
