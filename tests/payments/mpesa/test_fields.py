"""Single values: strict in what we write, tolerant in what we read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import Money, kes
from app.kernel.phones import Phone
from app.payments.rails.mpesa import fields
from app.payments.rails.mpesa.fields import Fields, Unreadable
from app.payments.rails.mpesa.payers import Payer, hashes_of

MEMBER = Phone("254712345126")


def test_the_password_is_the_portals_own_example():
    made = fields.password(
        "174379", "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919", "20210628092408"
    )

    assert made == (
        "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIwMjEwNjI4"
        "MDkyNDA4"
    )


@pytest.mark.parametrize("amount", ["1", "250,000", "1500.00"])
def test_an_amount_leaves_as_whole_shillings(amount):
    assert fields.amount(kes(amount)) == kes(amount).cents // 100


@pytest.mark.parametrize("amount", ["0", "0.50", "1500.50", "250,001", "-5"])
def test_an_amount_that_mpesa_would_refuse_never_leaves(amount):
    with pytest.raises(ValueError, match=r"shillings|M-PESA takes"):
        fields.amount(kes(amount))


def test_the_account_reference_is_the_accounts_number_else_the_members():
    assert fields.account_reference("SV-000123", "M000007") == "SV000123"
    assert fields.account_reference(None, "m 000007") == "M000007"
    assert fields.account_reference("SV-0000001234567", "M000007") == "M000007"


@pytest.mark.parametrize("numbers", [(), (None,), ("--",), ("SV-0000001234567",)])
def test_an_account_number_is_never_cut_to_fit(numbers):
    with pytest.raises(ValueError, match="12 letters and digits"):
        fields.account_reference(*numbers)


def test_the_description_is_cut_to_thirteen_characters():
    assert fields.description("Savings deposit of Wanjiku") == "Savings depos"
    assert fields.description("") == "Payment"


@pytest.mark.parametrize(
    "url",
    [
        "https://sacco.example.co.ke/hooks/m/0123456789abcdef0123456789abcdef/stk",
        "https://197.248.1.1:8443/hooks/m/0123456789abcdef0123456789abcdef/confirm",
    ],
)
def test_a_public_https_address_is_one_that_mpesa_calls(url):
    assert fields.callback_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://sacco.example.co.ke/hooks",
        "https://mpesa.example.co.ke/hooks",
        "https://sacco.example.co.ke/M-Pesa/x",
        "https://sacco.example.co.ke/execute",
        "https://sacco.example.co.ke/hooks/SQL",
        "https://sacco.example.co.ke/hooks?member=1",
        "https://user:pass@sacco.example.co.ke/hooks",
        "https://localhost/hooks",
        "https://10.0.0.4/hooks",
        "https://127.0.0.1/hooks",
        "https://abc.ngrok.io/hooks",
        "https://intranet/hooks",
        "ftp://sacco.example.co.ke/",
        "/hooks",
        "",
    ],
)
def test_an_address_that_mpesa_would_not_call_is_refused(url):
    with pytest.raises(ValueError, match="address"):
        fields.callback_url(url)


def test_the_sandbox_may_use_this_machine_and_plain_http():
    assert fields.callback_url("http://127.0.0.1:8000/hooks/m/00ff/stk", plain_http=True)


def test_times_are_written_and_read_on_nairobis_clock():
    instant = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)

    assert fields.stamp(instant) == "20260401013000"
    assert fields.read_stamp("20260401013000") == instant
    assert fields.read_stamp(20260401013000) == instant
    assert fields.read_stamp(Decimal("2.0260401013E13")) == instant
    assert fields.pull_stamp(instant) == "2026-04-01 01:30:00"


@pytest.mark.parametrize("value", ["", None, "2026-04-01", "20261301000000", 7, True, [], "20260401013000x"])
def test_what_is_no_time_is_unreadable(value):
    with pytest.raises(Unreadable):
        fields.read_stamp(value)


def test_a_pulled_time_from_the_future_was_on_nairobis_clock():
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    assert fields.read_pull_time("2026-11-22T07:59:00Z").at(now=now) == datetime(2026, 11, 22, 7, 59, tzinfo=UTC)
    assert fields.read_pull_time("2026-11-22T10:59:00Z").at(now=now) == datetime(2026, 11, 22, 7, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "cents"), [(1, 100), ("1.00", 100), (Decimal("190.00"), 19000), ("1,250.50", 125050), ("5", 500)]
)
def test_amounts_are_read_from_text_and_numbers(value, cents):
    assert fields.read_amount(value) == Money(cents)


@pytest.mark.parametrize("value", ["", None, 0, "-5", "1e3", "1.005", "abc", True, [1], {"$gt": 0}, "9" * 17, "NaN"])
def test_what_is_no_amount_is_unreadable(value):
    with pytest.raises(Unreadable):
        fields.read_amount(value)


@given(st.integers(min_value=1, max_value=25_000_000))
def test_every_amount_survives_the_way_there_and_back(cents):
    written = json.dumps({"Amount": f"{cents // 100}.{cents % 100:02}"})
    number = written.replace('"' + f"{cents // 100}.{cents % 100:02}" + '"', f"{cents // 100}.{cents % 100:02}")

    assert fields.read_amount(fields.read_json(written)["Amount"]) == Money(cents)
    assert fields.read_amount(fields.read_json(number)["Amount"]) == Money(cents)


@pytest.mark.parametrize("value", ["OAK0000000", "0000000000", "", None])
def test_a_placeholder_is_no_receipt_number(value):
    assert fields.read_receipt(value) is None


@pytest.mark.parametrize("value", ["short", "RKL51ZDR4F; drop", "é" * 10, "x" * 21])
def test_an_impossible_receipt_number_is_unreadable(value):
    with pytest.raises(Unreadable):
        fields.read_receipt(value)


def test_names_are_found_whatever_their_case_spaces_or_underscores():
    answer = Fields({"Response Status": "1000", "msisdn": 7, "Other": None})

    assert answer.text("ResponseStatus") == "1000"
    assert answer.text("MSISDN") == "7"
    assert answer.get("Other", "missing") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_json_is_an_object_or_unreadable(value):
    try:
        assert isinstance(fields.read_json(json.dumps(value)), dict)
    except Unreadable:
        assert not isinstance(value, dict)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"", b"{", b'{"a": NaN}', b"[" * 100_000, b"[]", b'"x"'])
def test_broken_json_is_unreadable(raw):
    with pytest.raises(Unreadable):
        fields.read_json(raw)


@pytest.mark.parametrize(
    "seen", ["254712345126", "712345126", "0712345126", "2547 ***** 126", "25471****126", "", "72200000", "*"]
)
def test_what_is_seen_of_the_payer_may_fit_the_phone(seen):
    assert Payer(seen).is_consistent_with(MEMBER)


@pytest.mark.parametrize("seen", ["254712345127", "2547 ***** 127", "25470****126", "0" * 64])
def test_what_is_seen_of_the_payer_may_contradict_the_phone(seen):
    assert not Payer(seen).is_consistent_with(MEMBER)


def test_a_hashed_number_is_recognised_in_each_form_it_may_have_been_hashed_from():
    for digest in hashes_of(MEMBER):
        assert Payer(digest).is_consistent_with(MEMBER)
        assert Payer(digest.upper()).phone is None
