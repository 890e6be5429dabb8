"""Decisions about savings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import ZERO, Money, kes
from app.savings.rules import free_to_withdraw, why_not_prompt


@pytest.mark.parametrize(("amount", "refused"), [("99.99", True), ("100", False), ("5,000", False)])
def test_nobody_is_asked_for_less_than_the_smallest_deposit(amount: str, refused: bool) -> None:
    sentence = why_not_prompt(kes(amount), minimum_deposit=kes(100))

    assert (sentence is not None) == refused
    if sentence:
        assert "KES 100.00" in sentence


def test_what_must_stay_and_what_is_held_cannot_be_withdrawn() -> None:
    free = free_to_withdraw(kes(1_000), minimum_balance=kes(200), is_withdrawable=True)

    assert free == kes(800)


def test_deposits_that_secure_loans_are_never_free() -> None:
    assert free_to_withdraw(kes(1_000), minimum_balance=ZERO, is_withdrawable=False) == ZERO


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**9))
def test_never_less_than_nothing_is_free(available: int, minimum: int) -> None:
    free = free_to_withdraw(Money(available), minimum_balance=Money(minimum), is_withdrawable=True)

    assert ZERO <= free <= max(Money(available), ZERO)
