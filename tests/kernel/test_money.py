"""Money is whole cents: what people type, how it is shared out, how it is shown."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import Money, kes, total

amounts = st.integers(min_value=-(10**12), max_value=10**12).map(Money)


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("1500", 150_000),
        ("1,500", 150_000),
        ("1500.5", 150_050),
        ("KES 1,500.50", 150_050),
        ("ksh 20", 2_000),
        (" 1,234,567.89 ", 123_456_789),
        ("1,500/=", 150_000),
        ("-5", -500),
        ("0", 0),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed, cents):
    assert Money.parse(typed) == Money(cents)


@pytest.mark.parametrize("typed", ["", "KES", "1,50", "1,5000", "1.234", "1e4", "1_000", "NaN", "٣", "1 500", "--5"])
def test_what_is_no_amount_is_refused_in_words(typed):
    with pytest.raises(ValueError, match=r"Enter an amount like 1,500"):
        Money.parse(typed)


def test_more_cents_than_the_database_holds_are_refused():
    with pytest.raises(ValueError, match="too large"):
        Money.parse("92233720368547758.08")


def test_a_float_is_never_money():
    with pytest.raises(AssertionError):
        Money(1.5)  # type: ignore[arg-type]


def test_another_currency_is_refused():
    with pytest.raises(AssertionError):
        Money(1, "USD")


@given(amounts)
def test_what_is_shown_is_read_back(amount):
    assert Money.parse(amount.plain()) == amount
    assert Money.parse(amount.decimal()) == amount


@given(amounts, st.integers(1, 60))
def test_parts_add_up_to_the_whole_and_differ_by_a_cent(amount, parts):
    shares = amount.split(parts)

    assert total(shares) == amount
    assert max(shares).cents - min(shares).cents <= 1


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_allocated_shares_add_up_and_stay_within_a_cent_of_their_proportion(amount, weights):
    shares = amount.allocate(weights)

    assert total(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.cents * sum(weights) - amount.cents * weight) < sum(weights)


def test_the_largest_remainder_gets_the_cent_that_is_over():
    assert kes("100").allocate([1, 1, 1]) == [Money(3334), Money(3333), Money(3333)]


def test_rounding_is_the_callers_word():
    assert kes("0.05").times(Decimal("0.5"), rounding=ROUND_HALF_EVEN) == Money(2)
    assert kes("0.05").times(Decimal("0.5"), rounding=ROUND_HALF_UP) == Money(3)


def test_a_rail_without_cents_refuses_them():
    assert kes("250000").whole_shillings() == 250_000
    with pytest.raises(ValueError, match="whole shillings"):
        kes("10.50").whole_shillings()
