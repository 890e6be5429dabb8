"""Codes: what each refusal and result leaves a payment with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments.rails import Outcome
from app.payments.rails.mpesa import codes, messages
from app.payments.rails.mpesa.codes import Again
from app.payments.rails.mpesa.replies import Reply

from . import samples


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        ("0", Outcome.PAID, "Paid"),
        ("1", Outcome.FAILED, "Not enough money"),
        ("1032", Outcome.CANCELLED, "Cancelled on the phone"),
        ("1037", Outcome.EXPIRED, "No answer: the phone may be off"),
        ("1019", Outcome.EXPIRED, "No answer in time"),
        ("2001", Outcome.FAILED, "Wrong PIN"),
        ("4999", Outcome.LIVE, "Waiting for the member on the phone"),
    ],
)
def test_a_result_is_told_in_plain_words(code, outcome, words):
    meaning = codes.meaning_of_result(code)

    assert (meaning.outcome, meaning.words) == (outcome, words)


@given(st.text(max_size=12).filter(lambda code: code not in codes.STK_RESULTS))
def test_a_result_that_no_table_knows_is_unknown_never_failed_and_never_paid(code):
    assert codes.meaning_of_result(code).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("code", ["00", "0.0", " 0", "+0", "0x0", ""])
def test_only_an_exact_zero_is_money(code):
    assert codes.meaning_of_result(code).outcome is not Outcome.PAID


@pytest.mark.parametrize(
    ("name", "outcome", "again"),
    [
        ("error_e1_invalid_amount.json", Outcome.FAILED, Again.NOW),
        ("error_e1_invalid_phone_number.json", Outcome.FAILED, Again.NOW),
        ("error_e1_invalid_payload.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_authentication_header.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_merchant.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_wrong_credentials.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_method.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_not_found.json", Outcome.FAILED, Again.SETUP),
        ("error_e1_urls_registered.json", Outcome.FAILED, Again.SETUP),
        ("error_product_not_enabled.txt", Outcome.FAILED, Again.SETUP),
        ("error_e1_busy_subscriber.json", Outcome.WAIT, Again.SAME),
        ("error_e1_spike_arrest.json", Outcome.WAIT, Again.SAME),
        ("error_e1_system_busy.json", Outcome.WAIT, Again.SAME),
        ("error_e1_quota.json", Outcome.WAIT, Again.SAME),
        ("error_e6_gateway_fault.json", Outcome.WAIT, Again.SAME),
        ("error_e1_stk_token.json", Outcome.WAIT, Again.TOKEN),
        ("error_e1_b2c_token.json", Outcome.WAIT, Again.TOKEN),
        ("error_e1_c2b_token.json", Outcome.WAIT, Again.TOKEN),
        ("error_e1_token_authorisation.json", Outcome.WAIT, Again.TOKEN),
        ("error_e3_bill_manager_token.json", Outcome.WAIT, Again.TOKEN),
        ("pull_error_token.json", Outcome.WAIT, Again.TOKEN),
        ("error_e1_internal.json", Outcome.UNKNOWN, Again.ASK),
        ("error_e2_response_code.json", Outcome.UNKNOWN, Again.ASK),
        ("error_e7_empty.txt", Outcome.UNKNOWN, Again.ASK),
        ("error_e7_gateway.html", Outcome.UNKNOWN, Again.ASK),
    ],
)
def test_a_refused_prompt_is_left_with_what_the_table_says(name, outcome, again):
    meaning = codes.meaning_of_refusal(samples.reply(name))

    assert (meaning.outcome, meaning.again) == (outcome, again)


def test_a_prompt_that_never_left_may_be_sent_again_and_one_that_may_have_left_never():
    assert codes.meaning_of_refusal(Reply(trouble="not_sent")).outcome is Outcome.WAIT
    assert codes.meaning_of_refusal(Reply(trouble="unknown")).outcome is Outcome.UNKNOWN


def test_too_many_requests_were_refused_whatever_the_words():
    assert codes.meaning_of_refusal(Reply(429, "")).again is Again.SAME


@pytest.mark.parametrize("status", [200, 302, 408, 500, 502, 503, 504])
@pytest.mark.parametrize("text", ["", "<html>Bad gateway</html>", '{"odd":1}', "[]"])
def test_silence_and_nonsense_are_unknown(status, text):
    assert codes.meaning_of_refusal(Reply(status, text)).outcome is Outcome.UNKNOWN


@given(st.text(max_size=20), st.text(max_size=40), st.sampled_from([200, 400, 401, 404, 500, 503]))
def test_no_refusal_is_ever_money(code, words, status):
    reply = Reply(status, f'{{"errorCode": {messages.fields.json.dumps(code)}, "errorMessage": "x"}}')

    assert codes.meaning_of_refusal(reply).outcome not in (Outcome.PAID, Outcome.ACCEPTED)


def test_a_question_that_is_refused_has_taught_nothing():
    for name in ("error_e1_invalid_payload.json", "error_e1_spike_arrest.json", "error_e7_gateway.html"):
        meaning = codes.meaning_of_query(samples.reply(name), None)
        assert meaning.outcome is Outcome.WAIT


def test_a_prompt_that_is_still_on_the_phone_is_live_in_both_of_its_forms():
    for name in ("stk_query_processing_500.json", "stk_query_processing_4999.json"):
        reply = samples.reply(name)
        assert codes.meaning_of_query(reply, messages.read_stk_query(reply)).outcome is Outcome.LIVE


def test_a_prompt_that_mpesa_has_forgotten_is_unknown():
    assert codes.meaning_of_query(samples.reply("stk_query_unknown.json"), None).outcome is Outcome.UNKNOWN


def test_a_question_with_a_rejected_token_wants_another_token():
    assert codes.meaning_of_query(samples.reply("error_e1_stk_token.json"), None).again is Again.TOKEN
