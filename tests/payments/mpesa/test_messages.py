"""Messages both ways, against the provider's samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.money import kes
from app.kernel.phones import Phone
from app.payments.rails.mpesa import messages
from app.payments.rails.mpesa.fields import Unreadable
from app.payments.rails.mpesa.messages import StkPush
from app.payments.rails.mpesa.replies import Reply, is_accepted, read_fault

from . import samples

PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
PORTAL_MOMENT = datetime(2021, 6, 28, 6, 24, 8, tzinfo=UTC)


def push(**changes):
    values = {
        "shortcode": "174379",
        "passkey": PASSKEY,
        "phone": Phone("254708374149"),
        "amount": kes("1"),
        "account_reference": "SV-000123",
        "description": "Deposit",
        "callback_url": "https://sacco.example/hooks/m/0f3c/stk",
        "at": PORTAL_MOMENT,
    }
    return StkPush(**values | changes)


def test_a_prompt_is_written_as_the_portal_shows_it():
    assert messages.stk_push_request(push()) == samples.body("stk_push_request.json")


def test_a_till_is_named_beside_its_head_office():
    body = messages.stk_push_request(push(party_b="555001", transaction_type="CustomerBuyGoodsOnline"))

    assert (body["BusinessShortCode"], body["PartyB"]) == ("174379", "555001")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": kes("0.50")},
        {"amount": kes("250,001")},
        {"account_reference": "SV-0000001234567"},
        {"callback_url": "https://sacco.example/mpesa/stk"},
        {"shortcode": "12"},
    ],
)
def test_a_prompt_that_mpesa_would_refuse_is_never_written(changes):
    with pytest.raises(ValueError):
        messages.stk_push_request(push(**changes))


def test_a_prompt_shows_no_secret_when_it_is_logged():
    assert PASSKEY not in repr(push())
    assert "hooks" not in repr(push())


def test_a_query_is_written_as_the_portal_shows_it():
    sample = samples.body("stk_query_request.json")

    made = messages.stk_query_request("174379", PASSKEY, sample["CheckoutRequestID"], at=PORTAL_MOMENT)

    assert list(made) == list(sample)
    assert made["CheckoutRequestID"] == sample["CheckoutRequestID"]


def test_registrations_are_written_as_the_portal_shows_them():
    c2b, pull = samples.body("c2b_register_request.json"), samples.body("pull_register_request.json")

    assert messages.c2b_register_request("600984", "Completed", c2b["ConfirmationURL"], c2b["ValidationURL"]) == c2b
    assert messages.pull_register_request("600000", Phone("254722000000"), pull["CallBackURL"]) == pull


def test_the_pull_question_is_written_as_the_portal_shows_it():
    since, until = datetime(2026, 11, 22, 5, 36, tzinfo=UTC), datetime(2026, 11, 22, 7, 10, tzinfo=UTC)

    assert messages.pull_request("600000", since, until) == samples.body("pull_query_request.json")


def test_the_response_type_is_in_sentence_case():
    with pytest.raises(ValueError, match="Completed or Cancelled"):
        messages.c2b_register_request("600984", "completed", "https://a.example/x", "https://a.example/y")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["oauth_token.json", "oauth_token_number.json"])
def test_a_token_is_read_whether_its_lifetime_is_text_or_number(name):
    token = messages.read_token(samples.reply(name))

    assert token.value == samples.body(name)["access_token"]
    assert token.lifetime_seconds in (3599, 3600)
    assert token.value not in repr(token)


@pytest.mark.parametrize(
    "name", ["oauth_error_wrong_keys.txt", "oauth_error_grant_type.json", "oauth_error_no_basic.json"]
)
def test_a_refused_token_is_no_token(name):
    with pytest.raises(Unreadable):
        messages.read_token(samples.reply(name))


def test_an_acknowledgement_carries_both_ids():
    sample = samples.body("stk_push_ack.json")

    read = messages.read_stk_acknowledgement(samples.reply("stk_push_ack.json"))

    assert read is not None
    assert (read.merchant_request_id, read.checkout_request_id) == (
        sample["MerchantRequestID"],
        sample["CheckoutRequestID"],
    )


@pytest.mark.parametrize("name", ["error_e1_invalid_amount.json", "error_e2_response_code.json", "error_e7_empty.txt"])
def test_a_refusal_is_no_acknowledgement(name):
    assert messages.read_stk_acknowledgement(samples.reply(name)) is None


def test_a_query_that_says_paid_knows_no_receipt():
    result = messages.read_stk_query(samples.reply("stk_query_paid.json"))

    assert result is not None
    assert result.is_paid
    assert result.receipt_number is None


@pytest.mark.parametrize("name", ["stk_query_processing_500.json", "stk_query_unknown.json"])
def test_a_query_without_a_result_is_none(name):
    assert messages.read_stk_query(samples.reply(name)) is None


def test_a_success_callback_is_read_whole():
    result = messages.read_stk_callback(samples.text("stk_callback_success.json"))

    assert result.is_paid
    assert result.checkout_request_id == "ws_CO_191220191020363925"
    assert result.receipt_number == "NLJ7RT61SV"
    assert result.amount == kes("1")
    assert result.paid_at == datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC)
    assert result.payer is not None
    assert result.payer.phone == Phone("254708374149")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("stk_callback_cancelled.json", "1032"),
        ("stk_callback_timeout.json", "1037"),
        ("stk_callback_wrong_pin.json", "2001"),
        ("stk_callback_insufficient.json", "1"),
        ("stk_callback_text_code.json", "SFC_IC0003"),
    ],
)
def test_a_failure_callback_has_a_code_and_no_receipt(name, code):
    result = messages.read_stk_callback(samples.text(name))

    assert (result.code, result.is_paid, result.receipt_number) == (code, False, None)


@given(order=st.permutations(range(5)), as_text=st.booleans(), one_more=st.booleans())
def test_items_come_in_any_order_as_text_or_number_and_with_strangers(order, as_text, one_more):
    callback = samples.body("stk_callback_success.json")
    items = callback["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
    if as_text:
        items = [item | ({"Value": str(item["Value"])} if "Value" in item else {}) for item in items]
    items = [items[n] for n in order] + ([{"Name": "Loyalty", "Value": {"points": 3}}] if one_more else [])
    callback["Body"]["stkCallback"]["CallbackMetadata"]["Item"] = items

    result = messages.read_stk_callback(json.dumps(callback))

    assert (result.receipt_number, result.amount) == ("NLJ7RT61SV", kes("1"))


def test_an_item_that_is_there_twice_and_differs_is_not_trusted():
    callback = samples.body("stk_callback_success.json")
    callback["Body"]["stkCallback"]["CallbackMetadata"]["Item"].append({"Name": "Amount", "Value": 9000})

    with pytest.raises(Unreadable, match="twice"):
        messages.read_stk_callback(json.dumps(callback))


@pytest.mark.parametrize(
    "raw", ["", "[]", "{}", '{"Body":{}}', '{"Body":{"stkCallback":{"ResultCode":0}}}', '{"Body":{"stkCallback":[]}}']
)
def test_a_callback_without_what_it_needs_is_unreadable(raw):
    with pytest.raises(Unreadable):
        messages.read_stk_callback(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["Body", "stkCallback", "CallbackMetadata", "Item", "Name", "Value", "TransID", "TransAmount", "MSISDN"]
)


@settings(max_examples=300)
@given(st.one_of(JSON, st.dictionaries(NAMES, st.dictionaries(NAMES, JSON, max_size=4) | JSON, max_size=5)))
def test_no_json_makes_a_reader_do_anything_but_read_or_refuse(value):
    raw = json.dumps(value)
    for read in (messages.read_stk_callback, messages.read_c2b):
        try:
            read(raw)
        except Unreadable:
            continue
    for status in (200, 400, 500):
        reply = Reply(status, raw)
        messages.read_stk_query(reply)
        messages.read_stk_acknowledgement(reply)
        messages.read_pull(reply)
        read_fault(reply)
        is_accepted(reply)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_reader_do_anything_but_refuse(raw):
    for read in (messages.read_stk_callback, messages.read_c2b):
        with pytest.raises(Unreadable):
            read(raw)


@pytest.mark.parametrize("version", ["v1", "v2", "clear", "older_mask"])
def test_a_confirmation_is_read_whichever_way_it_shows_the_payer(version):
    notice = messages.read_c2b(samples.text(f"c2b_confirmation_{version}.json"))

    assert notice.receipt_number == "RKL51ZDR4F"
    assert notice.amount == kes("5")
    assert notice.paid_at == datetime(2023, 11, 21, 9, 13, 25, tzinfo=UTC)
    assert notice.shortcode == "600966"
    assert notice.account_text == "Sample Transaction"
    assert notice.payer_name == "NICHOLAS"
    assert (notice.payer.phone is not None) == (version == "clear")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_validation_has_the_fields_of_a_confirmation(version):
    assert messages.read_c2b(samples.text(f"c2b_validation_{version}.json")).receipt_number == "RKL51ZDR4F"


def test_our_answers_to_c2b_are_the_samples():
    accept, refuse = samples.body("c2b_validation_accept.json"), samples.body("c2b_validation_reject.json")

    assert {name: accept[name] for name in messages.VALIDATION_ACCEPTED} == messages.VALIDATION_ACCEPTED
    assert messages.validation_refused(refuse["ResultCode"]) == refuse


def test_a_pulled_page_is_read_from_its_nested_list():
    page = messages.read_pull(samples.reply("pull_query_answer.json"))

    assert page is not None
    assert page.rows == 1
    line = page.lines[0]
    assert (line.receipt_number, line.amount, line.account_text) == ("OH50YMT3X2", kes("168"), "37207636392")


def test_an_odd_line_does_not_hide_the_others():
    answer = samples.body("pull_query_answer.json")
    answer["Response"] = [[{"transactionId": "0000000000"}, *answer["Response"][0]], [], None, 7]

    page = messages.read_pull(Reply(200, json.dumps(answer)))

    assert page is not None
    assert (len(page.lines), page.rows) == (1, 2)


def test_an_empty_window_is_a_page_without_lines():
    page = messages.read_pull(samples.reply("pull_query_empty.json"))

    assert page is not None
    assert page.rows == 0


@pytest.mark.parametrize("name", ["pull_error_shortcode.json", "pull_error_token.json", "error_e7_gateway.html"])
def test_a_refused_pull_is_no_page(name):
    assert messages.read_pull(samples.reply(name)) is None


def test_registrations_are_accepted_with_either_spelling():
    assert is_accepted(samples.reply("c2b_register_ack.json"))
    for name in ("pull_register_ack.json", "pull_register_ack_spaced.json", "pull_register_already.json"):
        assert is_accepted(samples.reply(name), "1000", "1001")
    assert not is_accepted(samples.reply("error_e2_response_code.json"))
