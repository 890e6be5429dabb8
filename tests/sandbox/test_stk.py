"""STK push and query as any Daraja client sees them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.samples import same_error, sample, shape
from tests.sandbox.server import Sandbox


def checkout_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    checkout: str = answer.json()["CheckoutRequestID"]
    return checkout


def test_a_push_is_answered_the_prompt_appears_and_the_pin_pays(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    before = sandbox.phone(phone, balance="1000.00")["balance"]

    answer = daraja.push(phone, catcher.url("/hooks/stk"))
    acted = sandbox.answer(phone)
    [callback] = catcher.wait()

    assert shape(answer.json()) == shape(sample("stk_push_ack.json"))
    assert list(answer.json()) == list(sample("stk_push_ack.json"))
    assert before == "1000.00"
    assert sandbox.phone(phone)["balance"] == "750.00"
    body = callback.json
    assert shape(body) == shape(sample("stk_callback_success.json"))
    assert body["Body"]["stkCallback"]["CheckoutRequestID"] == checkout_of(answer)
    assert '"Value": 250.00' in callback.text
    items = {item["Name"]: item.get("Value") for item in body["Body"]["stkCallback"]["CallbackMetadata"]["Item"]}
    assert items["PhoneNumber"] == int(phone)
    assert items["MpesaReceiptNumber"] == acted["receipt"]
    [line] = sandbox.lines_of(phone)
    assert set(line) == {"receipt", "at", "type", "amount", "direction", "phone", "account", "status"}
    assert (line["receipt"], line["amount"], line["direction"], line["account"], line["status"]) == (
        acted["receipt"], "250.00", "in", "SV000123", "Completed",
    )  # fmt: skip


def test_ids_and_receipts_have_the_forms_of_the_reference(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    answer = daraja.push(phone, catcher.url("/hooks/stk")).json()
    receipt = sandbox.answer(phone)["receipt"]

    assert re.fullmatch(rf"ws_CO_\d{{14}}\d{{3}}{phone[3:]}", answer["CheckoutRequestID"])
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\d{6}", answer["MerchantRequestID"])
    assert re.fullmatch(r"[A-Z][A-L][1-9A-V][A-Z0-9]{7}", receipt)


def test_the_password_of_the_portal_is_accepted(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    body = sample("stk_push_request.json") | {
        "PartyA": phone,
        "PhoneNumber": phone,
        "CallBackURL": catcher.url("/hooks/stk"),
    }

    assert daraja.post("/mpesa/stkpush/v1/processrequest", body).json()["ResponseCode"] == "0"


def test_numbers_may_be_sent_as_numbers(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    answer = daraja.push(
        phone, catcher.url("/h"), BusinessShortCode=174379, PartyA=int(phone), PartyB=174379, PhoneNumber=int(phone),
        Amount="5",
    )  # fmt: skip

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("action", "code", "text"),
    [
        ("cancel", 1032, "Request cancelled by user"),
        ("wrong_pin", 2001, "The initiator information is invalid."),
    ],
)
def test_what_the_person_does_instead_of_paying_is_reported(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, action: str, code: int, text: str
) -> None:
    checkout = checkout_of(daraja.push(phone, catcher.url("/hooks/stk")))

    sandbox.answer(phone, action)
    [callback] = catcher.wait()

    assert shape(callback.json) == shape(sample("stk_callback_cancelled.json"))
    assert callback.json["Body"]["stkCallback"]["ResultCode"] == code
    assert callback.json["Body"]["stkCallback"]["ResultDesc"] == text
    answer = daraja.query(checkout)
    assert shape(answer.json()) == shape(sample("stk_query_cancelled.json"))
    assert (answer.json()["ResultCode"], answer.json()["ResultDesc"]) == (str(code), text)
    assert sandbox.lines_of(phone) == []


def test_a_prompt_that_nobody_touches_ends_with_1037(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.settings(prompt_timeout_seconds=0.5)
    daraja.push(phone, catcher.url("/hooks/stk"))
    sandbox.answer(phone, "ignore")

    [callback] = catcher.wait()

    assert callback.result_code == 1037
    assert callback.json["Body"]["stkCallback"]["ResultDesc"] == "No response from user."


def test_too_little_money_is_1(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.phone(phone, balance="249.99")
    daraja.push(phone, catcher.url("/hooks/stk"))
    sandbox.answer(phone)

    assert catcher.wait()[0].result_code == 1
    assert sandbox.phone(phone)["balance"] == "249.99"


def test_three_wrong_pins_lock_the_pin(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    for action in ("wrong_pin", "wrong_pin", "wrong_pin", "pin"):
        daraja.push(phone, catcher.url("/hooks/stk"))
        sandbox.answer(phone, action)

    assert [caught.result_code for caught in catcher.wait(4)] == [2001, 2001, 2001, 8006]
    assert sandbox.phone(phone, pin_locked=False)["pin_locked"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"BusinessShortCode": "12"}, "BusinessShortCode"),
        ({"Password": None}, "Password"),
        ({"Timestamp": "20261322104400"}, "Timestamp"),
        ({"TransactionType": "PayBill"}, "TransactionType"),
        ({"Amount": "1,000"}, "Amount"),
        ({"Amount": 1.5}, "Amount"),
        ({"Amount": 0}, "Amount"),
        ({"PartyA": "0712345678"}, "PartyA"),
        ({"PhoneNumber": "+254712345678"}, "PhoneNumber"),
        ({"CallBackURL": "hooks/stk"}, "CallBackURL"),
        ({"CallBackURL": "https://sacco.example/mpesa/callback"}, "CallBackURL"),
        ({"AccountReference": "1234567890123"}, "AccountReference"),
        ({"AccountReference": ""}, "AccountReference"),
        ({"TransactionDesc": "more than thirteen"}, "TransactionDesc"),
        ({"Amount": 0, "PhoneNumber": "1", "AccountReference": ""}, "Amount"),
    ],
)
def test_the_first_bad_field_is_named(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, changes: dict[str, Any], field: str
) -> None:
    answer = daraja.push(phone, catcher.url("/hooks/stk"), **changes)

    assert answer.status_code == 400
    assert shape(answer.json()) == shape(sample("error_e1_invalid_amount.json"))
    assert answer.json()["errorCode"] == "400.002.02"
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


def test_the_description_may_be_left_out(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    body = daraja.push_body(phone, catcher.url("/h"))
    del body["TransactionDesc"]

    assert daraja.post("/mpesa/stkpush/v1/processrequest", body).status_code == 200


def test_a_wrong_password_and_an_unknown_merchant_have_their_own_words(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    other_minute = daraja.push(phone, catcher.url("/h"), Password=daraja.password("20261122104501"))
    nobody = daraja.push(phone, catcher.url("/h"), BusinessShortCode="999999")

    assert same_error(other_minute, "error_e1_wrong_credentials.json")
    assert same_error(nobody, "error_e1_merchant.json")


def test_a_second_push_to_a_line_with_an_open_prompt_is_refused(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    first = checkout_of(daraja.push(phone, catcher.url("/h")))
    second = daraja.push(phone, catcher.url("/h"))
    sandbox.settings(busy_line_as="result")
    third = checkout_of(daraja.push(phone, catcher.url("/h")))

    assert same_error(second, "error_e1_busy_subscriber.json")
    assert catcher.wait()[0].json["Body"]["stkCallback"]["CheckoutRequestID"] == third
    assert catcher.wait()[0].result_code == 1001
    assert sandbox.answer(phone)["checkout_request_id"] == first


def test_an_open_prompt_is_live_to_a_query_in_both_ways(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    checkout = checkout_of(daraja.push(phone, catcher.url("/h")))

    as_error = daraja.query(checkout)
    sandbox.settings(query_live_as="4999")
    as_code = daraja.query(checkout)

    assert same_error(as_error, "stk_query_processing_500.json")
    assert as_code.status_code == 200
    assert shape(as_code.json()) == shape(sample("stk_query_processing_4999.json"))
    assert as_code.json()["ResultCode"] == "4999"


def test_a_paid_query_names_no_receipt(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    checkout = checkout_of(daraja.push(phone, catcher.url("/h")))
    receipt = sandbox.answer(phone)["receipt"]

    answer = daraja.query(checkout)

    assert list(answer.json()) == list(sample("stk_query_paid.json"))
    assert answer.json()["ResultCode"] == "0"
    assert receipt not in answer.text


def test_an_unknown_checkout_id_is_invalid(daraja: Daraja) -> None:
    answer = daraja.query("ws_CO_221120261044001234712345678")

    assert (answer.status_code, answer.json()["errorMessage"]) == (400, "Bad Request - Invalid CheckoutRequestID")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PartyB": "999998"}, "SFC_IC0003"),
        ({"PartyB": "5198044"}, 2028),
        ({"Amount": 250_001}, 3),
        ({"TransactionType": "CustomerBuyGoodsOnline"}, 2028),
        ({"TransactionType": "CustomerBuyGoodsOnline", "PartyB": "5198044"}, 2002),
    ],
)
def test_some_prompts_fail_before_the_phone_rings(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, changes: dict[str, Any], code: Any
) -> None:
    assert daraja.push(phone, catcher.url("/h"), **changes).status_code == 200

    assert catcher.wait()[0].result_code == code


def test_a_prompt_that_is_too_long_fails_with_1025(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.control("PUT", "/shortcodes/600777", {"name": "X" * 180})
    daraja.push(phone, catcher.url("/h"), PartyB="600777")

    assert catcher.wait()[0].result_code == 1025


def test_the_till_of_a_store_can_be_paid(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    daraja.credentials = daraja.credentials | {"shortcode": daraja.credentials["store"]}
    till = daraja.credentials["till"]
    daraja.push(phone, catcher.url("/h"), TransactionType="CustomerBuyGoodsOnline", PartyB=till)
    sandbox.answer(phone)

    assert catcher.wait()[0].result_code == 0
    assert sandbox.lines_of(phone)[0]["type"] == "Buy Goods"


def test_the_same_amount_soon_after_is_rule_limited(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    for amount in (250, 250, 251):
        daraja.push(phone, catcher.url("/h"), Amount=amount)
        sandbox.answer(phone)
        time.sleep(0.2)

    assert [caught.result_code for caught in catcher.wait(3)] == [0, 17, 0]


def test_the_limits_of_the_day_and_of_the_paybill_have_their_codes(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.settings(daily_maximum="300", minimum_amount="10")
    sandbox.control("PUT", "/shortcodes/600778", {"maximum_balance": "100"})
    for changes in ({"Amount": 5}, {"Amount": 250}, {"Amount": 51}, {"Amount": 50, "PartyB": "600778"}):
        daraja.push(phone, catcher.url("/h"), **changes)
        sandbox.answer(phone)
        time.sleep(0.2)
    sandbox.settings(daily_maximum="500000")
    daraja.push(phone, catcher.url("/h"), Amount=60, PartyB="600778")
    sandbox.answer(phone)

    assert [caught.result_code for caught in catcher.wait(5)] == [2, 0, 4, 0, 8]


def test_result_codes_can_be_sent_as_text(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.settings(result_codes_as="string")
    daraja.push(phone, catcher.url("/h"))
    sandbox.answer(phone)

    assert catcher.wait()[0].result_code == "0"


def test_a_phone_can_answer_by_itself(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.phone(phone, auto_answer=True, delay_seconds=0.2)
    daraja.push(phone, catcher.url("/h"))

    assert catcher.wait()[0].result_code == 0


def test_an_stk_payment_is_also_confirmed_as_c2b_with_the_same_receipt(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    daraja.register(catcher.url("/hooks/confirm"), catcher.url("/hooks/validate"))
    daraja.push(phone, catcher.url("/hooks/stk"))
    receipt = sandbox.answer(phone)["receipt"]

    [confirmation] = catcher.wait(path="/hooks/confirm")
    catcher.wait(path="/hooks/stk")

    assert shape(confirmation.json) == shape(sample("c2b_confirmation_v2.json"))
    assert confirmation.json["TransID"] == receipt
    assert confirmation.json["BillRefNumber"] == "SV000123"
    assert catcher.at("/hooks/validate") == []


def test_a_callback_that_is_refused_is_not_repeated(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    catcher.answers["/hooks/stk"] = lambda: (500, "")
    checkout = checkout_of(daraja.push(phone, catcher.url("/hooks/stk")))
    sandbox.answer(phone)

    catcher.wait(path="/hooks/stk")
    catcher.stays_at(1, path="/hooks/stk")
    assert [told["http_status"] for told in sandbox.answered(checkout, 1)] == [500]
