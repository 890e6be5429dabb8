"""Kenyan numbers in any form that people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.phones import Phone


@pytest.mark.parametrize(
    "typed", ["0712345678", "0712 345 678", "+254712345678", "254712345678", "712345678", "0712-345-678"]
)
def test_every_form_is_the_same_number(typed):
    assert Phone.parse(typed) == Phone("254712345678")


@pytest.mark.parametrize(
    "typed", ["", "0712 34", "0202 222 222", "+1 202 555 0101", "abc", "0712345678 ext 3", "2547123456789"]
)
def test_what_is_no_kenyan_mobile_number_is_refused(typed):
    with pytest.raises(ValueError, match="Kenyan mobile number"):
        Phone.parse(typed)


def test_a_number_is_shown_grouped_and_masked():
    phone = Phone.parse("+254112345678")

    assert (phone.local, phone.masked, phone.e164) == ("0112 345 678", "0112 ••• 678", "+254112345678")
    assert phone.operator == "Safaricom"


@given(st.from_regex(r"7[0129]\d{7}", fullmatch=True))
def test_what_is_shown_is_read_back(subscriber):
    phone = Phone.parse("0" + subscriber)

    assert Phone.parse(phone.local) == Phone.parse(phone.e164) == Phone.parse(phone.msisdn) == phone
