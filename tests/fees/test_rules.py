"""What a fee comes to: worked by hand, and for any amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fees import rules
from app.fees.events import Basis, Bearer
from app.fees.rules import Band, Parts, Terms
from app.kernel.money import ZERO, Money, kes

BANDS = (Band(kes(500), kes(10)), Band(kes("2,500"), kes(30)), Band(None, kes(75)))

amounts = st.integers(0, 10**11).map(Money)
percents = st.decimals(0, 100, places=4)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    bounds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=4)))
    fees = sorted(draw(st.lists(st.integers(0, 10**7), min_size=len(bounds) + 1, max_size=len(bounds) + 1)))
    uppers = [*map(Money, bounds), None]
    minimum, maximum = sorted(draw(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))))
    return Terms(
        basis=draw(st.sampled_from(Basis)),
        borne_by=draw(st.sampled_from(Bearer)),
        flat=draw(amounts),
        percent=draw(percents),
        minimum=draw(st.sampled_from([None, Money(minimum)])),
        maximum=draw(st.sampled_from([None, Money(maximum)])),
        bands=tuple(Band(upper, Money(fee)) for upper, fee in zip(uppers, fees, strict=True)),
        excise_percent=draw(percents),
        excise_included=draw(st.booleans()),
    )


def flat(fee: str, **changes: object) -> Terms:
    return Terms(Basis.FLAT, Bearer.MEMBER, flat=kes(fee), **{"excise_percent": Decimal(20), **changes})  # type: ignore[arg-type]


def test_excise_is_added_to_the_fee() -> None:
    # sacco-kenya.md 1.12: fee 500, excise 100, the member pays 600.
    assert rules.parts(flat("500"), ZERO) == Parts(kes(500), kes(100))


def test_a_price_that_contains_excise_is_split_and_stays_what_it_is() -> None:
    # 100 with 20 % in it: 83.33 and a third, so 83.33 and 16.67.
    assert rules.parts(flat("100", excise_included=True), ZERO) == Parts(kes("83.33"), kes("16.67"))


def test_half_a_cent_of_excise_is_rounded_up() -> None:
    # 15 % of 0.10 is one and a half cents.
    assert rules.parts(flat("0.10", excise_percent=Decimal(15)), ZERO) == Parts(kes("0.10"), kes("0.02"))


def test_the_society_pays_no_excise_on_what_it_bears() -> None:
    terms = Terms(Basis.FLAT, Bearer.SOCIETY, flat=kes(50), excise_percent=Decimal(20))

    assert rules.parts(terms, kes(1_000)) == Parts(kes(50), ZERO)


@pytest.mark.parametrize(
    ("amount", "fee"),
    [("0", "10"), ("500", "10"), ("500.01", "30"), ("2,500", "30"), ("2,500.01", "75"), ("1,000,000", "75")],
)
def test_a_band_ends_with_its_bound(amount: str, fee: str) -> None:
    assert rules.listed_fee(Terms(Basis.BANDS, Bearer.MEMBER, bands=BANDS), kes(amount)) == kes(fee)


@pytest.mark.parametrize(("amount", "fee"), [("1,000", "50"), ("10,000", "100"), ("100,000", "300")])
def test_a_percentage_keeps_between_its_least_and_its_most(amount: str, fee: str) -> None:
    terms = Terms(Basis.PERCENT, Bearer.MEMBER, percent=Decimal(1), minimum=kes(50), maximum=kes(300))

    assert rules.listed_fee(terms, kes(amount)) == kes(fee)


@given(terms=any_terms(), amount=amounts)
def test_parts_sum_to_what_is_taken_and_nothing_is_negative(terms: Terms, amount: Money) -> None:
    found = rules.parts(terms, amount)
    listed = rules.listed_fee(terms, amount)

    assert min(found.fee, found.excise) >= ZERO
    assert found.total == (
        listed if terms.excise_included or terms.borne_by is Bearer.SOCIETY else listed + found.excise
    )


@given(terms=any_terms(), one=amounts, other=amounts)
def test_a_larger_amount_never_costs_less(terms: Terms, one: Money, other: Money) -> None:
    smaller, larger = sorted((one, other))

    assert rules.parts(terms, smaller).total <= rules.parts(terms, larger).total


def test_bands_are_read_as_a_minute_lists_them() -> None:
    assert tuple(rules.read_bands("500 10\r\n2,500 30.00\n\nmore 75\n")) == BANDS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The last line starts with “more”"),
        ("500 10", "The last line starts with “more”"),
        ("more 10\nmore 20", "Only the last line"),
        ("500 10\n500 20\nmore 30", "larger than the one above"),
        ("500 10\n900 5\nmore 30", "cannot cost less"),
        ("500\nmore 30", "Line 1: write an amount"),
        ("500 10\nx 20\nmore 30", "Line 2: Enter an amount"),
        ("500 -1\nmore 30", "Line 1: amounts are above zero"),
        ("0 1\nmore 30", "Line 1: amounts are above zero"),
    ],
)
def test_bands_that_cannot_be_used_say_why(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        rules.read_bands(text)
