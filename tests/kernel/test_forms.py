"""What is typed or sent becomes typed values, or a sentence beside each wrong field."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, create_model
from werkzeug.datastructures import MultiDict

from app.kernel import fields
from app.kernel.errors import Invalid
from app.kernel.forms import Form
from app.kernel.money import kes
from app.kernel.phones import Phone


class Deposit(Form):
    amount: fields.PositiveMoney
    phone: fields.PhoneField
    note: fields.PlainLine = ""
    on: fields.DateField | None = None


def test_a_good_form_gives_typed_values():
    form = Deposit.parse(MultiDict({"amount": "KES 1,500", "phone": "0712 345 678", "on": "22/11/2026", "key": "k"}))

    assert form.errors == {}
    assert (form.values.amount, form.values.phone) == (kes("1,500"), Phone("254712345678"))
    assert (form.values.on, form.key) == (date(2026, 11, 22), "k")


def test_a_bad_form_keeps_what_was_typed_and_says_what_is_wrong_with_each_field():
    form = Deposit.parse(MultiDict({"amount": "lots", "phone": "12", "csrf_token": "x"}))

    assert form.errors == {
        "amount": "Enter an amount like 1,500 or 1,500.50.",
        "phone": "Enter a Kenyan mobile number, like 0712 345 678.",
    }
    assert form.typed == {"amount": "lots", "phone": "12"}


def test_an_empty_field_is_a_missing_one():
    assert Deposit.parse(MultiDict({"amount": "  ", "phone": ""})).errors == {
        "amount": "This is needed.",
        "phone": "This is needed.",
    }


def test_an_unknown_field_is_refused():
    with pytest.raises(Invalid) as refused:
        Deposit.parse_json({"amount": 5, "phone": "0712345678", "balance": 1})
    assert refused.value.errors == {"balance": "This field is not known here."}


@pytest.mark.parametrize("amount", [1.5, True, None, [], {"$gt": 0}, "1e3", "NaN", -5, 0, "0", 10**30])
def test_json_takes_an_amount_as_text_or_whole_number_only(amount):
    with pytest.raises(Invalid) as refused:
        Deposit.parse_json({"amount": amount, "phone": "0712345678"})
    assert set(refused.value.errors) == {"amount"}


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Invalid):
        Deposit.parse_json(body)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_nothing_that_is_typed_breaks_a_form(amount, phone, on):
    form = Deposit.parse(MultiDict({"amount": amount, "phone": phone, "on": on, "note": amount}))

    assert bool(form.errors) == (form.parsed is None)


def one(kind: object) -> type[BaseModel]:
    return create_model("One", __base__=Form, value=(kind, ...))


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (fields.NationalId, "1234 5678", "12345678"),
        (fields.KraPin, "a012345678z", "A012345678Z"),
        (fields.PersonName, "  Mary   Wanjikũ ", "Mary Wanjikũ"),
        (fields.PersonName, "Ng'ang'a", "Ng'ang'a"),
        (fields.PersonName, "Anne-Marie", "Anne-Marie"),
        (fields.DateField, "2026-11-22", date(2026, 11, 22)),
    ],
)
def test_a_field_is_read(kind, typed, value):
    assert one(kind).parse({"value": typed}).values.value == value  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (fields.NationalId, "12345"),
        (fields.NationalId, "1234567890"),
        (fields.KraPin, "B012345678Z"),
        (fields.KraPin, "A01234567Z"),
        (fields.PersonName, "Mary <b>"),
        (fields.PersonName, "=HYPERLINK(1)"),
        (fields.PersonName, "a" * 61),
        (fields.PlainLine, "two\nlines"),
        (fields.PlainLine, "right\u202eleft"),
        (fields.DateField, "31/02/2026"),
    ],
)
def test_a_field_is_refused(kind, typed):
    assert set(one(kind).parse({"value": typed}).errors) == {"value"}  # type: ignore[attr-defined]
