"""Every fault does what its name says, to the request it was set for, as often as it was told, and to no other."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.samples import same_error
from tests.sandbox.server import Sandbox


def push(daraja: Daraja, catcher: Catcher, phone: str, **changes: Any) -> str:
    answer = daraja.push(phone, catcher.url("/stk"), **changes)
    assert answer.status_code == 200, answer.text
    checkout: str = answer.json()["CheckoutRequestID"]
    return checkout


def result(daraja: Daraja, checkout: str) -> str:
    code: str = daraja.query(checkout).json()["ResultCode"]
    return code


def test_a_lost_callback_never_comes_although_the_money_moved(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.fault("callback_lost", phone=phone)
    checkout = push(daraja, catcher, phone)
    sandbox.answer(phone)

    catcher.stays_at(0, path="/stk")
    assert result(daraja, checkout) == "0"
    assert len(sandbox.lines_of(phone)) == 1


def test_a_late_callback_waits(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("callback_late", phone=phone, delay_seconds=1.2)
    push(daraja, catcher, phone)
    sandbox.answer(phone)
    answered = time.monotonic()

    catcher.stays_at(0, path="/stk", seconds=0.8)
    assert catcher.wait(path="/stk")[0].at - answered >= 1.1


def test_a_duplicate_callback_comes_ten_times_at_once_over_ten_connections(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.fault("callback_duplicate", phone=phone)
    push(daraja, catcher, phone)
    sandbox.answer(phone)

    copies = catcher.wait(10, path="/stk")

    assert len({copy.text for copy in copies}) == 1
    assert len({copy.port for copy in copies}) == 10
    assert max(copy.at for copy in copies) - min(copy.at for copy in copies) < 1
    assert len(sandbox.lines_of(phone)) == 1


def test_forged_callbacks_come_before_the_honest_one(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.fault("callback_forged", phone=phone)
    checkout = push(daraja, catcher, phone)
    sandbox.answer(phone, "cancel")

    *forged, honest = catcher.wait(3, path="/stk")

    assert honest.result_code == 1032
    assert [lie.result_code for lie in forged] == [0, 0]
    bodies = [lie.json["Body"]["stkCallback"] for lie in forged]
    real = [body for body in bodies if body["CheckoutRequestID"] == checkout]
    assert len(real) == 1
    assert real[0]["CallbackMetadata"]["Item"][0]["Value"] == 2500
    assert result(daraja, checkout) == "1032"
    assert sandbox.lines_of(phone) == []


def test_callbacks_can_contradict_themselves(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("callback_out_of_order", phone=phone)
    push(daraja, catcher, phone)
    sandbox.answer(phone)

    assert [caught.result_code for caught in catcher.wait(2, path="/stk")] == [1037, 0]


def test_a_callback_can_overtake_the_answer_to_the_push(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.fault("callback_out_of_order", phone=phone, variant="before_ack")
    sandbox.phone(phone, auto_answer=True)

    checkout = push(daraja, catcher, phone)
    answered = time.monotonic()

    [callback] = catcher.at("/stk")
    assert callback.at < answered
    assert callback.json["Body"]["stkCallback"]["CheckoutRequestID"] == checkout


@pytest.mark.parametrize(("fault", "prompts"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_time_out_leaves_the_caller_without_an_answer(
    sandbox: Sandbox, catcher: Catcher, phone: str, fault: str, prompts: int
) -> None:
    impatient = sandbox.daraja(timeout=0.8)
    sandbox.fault(fault, phone=phone)
    sandbox.phone(phone, auto_answer=True)
    impatient.sign_in()

    with pytest.raises(requests.Timeout):
        impatient.push(phone, catcher.url("/stk"))

    catcher.stays_at(prompts, path="/stk")
    assert len(sandbox.lines_of(phone)) == prompts


def test_a_time_out_ends_with_a_cut_connection(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("timeout_before", phone=phone, delay_seconds=0.3)

    with pytest.raises(requests.ConnectionError):
        daraja.push(phone, catcher.url("/stk"))


@pytest.mark.parametrize(("fault", "prompts"), [("error_500_before", 0), ("error_500_after", 1)])
def test_a_500_may_or_may_not_have_done_it(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, fault: str, prompts: int
) -> None:
    sandbox.fault(fault, phone=phone)
    sandbox.phone(phone, auto_answer=True)

    assert same_error(daraja.push(phone, catcher.url("/stk")), "error_e1_internal.json")
    catcher.stays_at(prompts, path="/stk")
    assert len(sandbox.lines_of(phone)) == prompts


def test_a_spike_is_arrested(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("spike_arrest", phone=phone, times=2)
    answers = [daraja.push(phone, catcher.url("/stk")) for _ in range(3)]

    assert same_error(answers[0], "error_e1_spike_arrest.json")
    assert [answer.status_code for answer in answers] == [500, 500, 200]


def test_a_token_can_expire_in_the_middle(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    daraja.sign_in()
    sandbox.fault("token_expired")

    refused = daraja.push(phone, catcher.url("/stk"))
    still_refused = daraja.push(phone, catcher.url("/stk"))
    daraja.sign_in()

    assert same_error(refused, "error_e1_stk_token.json")
    assert same_error(still_refused, "error_e1_stk_token.json")
    push(daraja, catcher, phone)


@pytest.mark.parametrize(
    ("fault", "code"), [("insufficient_funds", 1), ("wrong_pin", 2001), ("cancelled", 1032), ("unreachable", 1037)]
)
def test_an_outcome_comes_true_without_anybody_touching_the_phone(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, fault: str, code: int
) -> None:
    sandbox.fault(fault, phone=phone, delay_seconds=0.2)
    checkout = push(daraja, catcher, phone)

    assert catcher.wait(path="/stk")[0].result_code == code
    assert result(daraja, checkout) == str(code)
    assert sandbox.lines_of(phone) == []


def test_an_outcome_wins_over_what_the_person_does(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    sandbox.fault("insufficient_funds", phone=phone, delay_seconds=30)
    push(daraja, catcher, phone)
    sandbox.answer(phone)

    assert catcher.wait(path="/stk")[0].result_code == 1


def test_an_unreachable_phone_shows_nothing(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("unreachable", phone=phone, delay_seconds=1)
    push(daraja, catcher, phone)
    time.sleep(0.3)

    assert sandbox.phone(phone)["prompt"] is None
    callback = catcher.wait(path="/stk")[0].json["Body"]["stkCallback"]
    assert callback["ResultDesc"] == "DS timeout user cannot be reached"


@pytest.mark.parametrize("code", ["1019", "26", "SFC_IC0003", "9999"])
def test_any_result_of_the_table_can_be_forced(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, code: str
) -> None:
    sandbox.fault("result", code=code, phone=phone, delay_seconds=0.1)
    push(daraja, catcher, phone)

    assert str(catcher.wait(path="/stk")[0].result_code) == code


@pytest.mark.parametrize(
    ("code", "error"), [("busy", "error_e1_system_busy.json"), ("500.003.03", "error_e1_quota.json")]
)
def test_other_refusals_of_the_gateway_can_be_forced(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, code: str, error: str
) -> None:
    sandbox.fault("refused", code=code, phone=phone)

    assert same_error(daraja.push(phone, catcher.url("/stk")), error)


def test_a_fault_waits_for_its_number_and_its_operation(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    other = str(int(phone) + 10_000_000)
    sandbox.fault("spike_arrest", operation="stk_query")
    sandbox.fault("error_500_before", phone=other)

    checkout = push(daraja, catcher, phone)

    assert same_error(daraja.query(checkout), "error_e1_spike_arrest.json")
    assert same_error(daraja.query(checkout), "stk_query_processing_500.json")
    assert same_error(daraja.push(other, catcher.url("/stk")), "error_e1_internal.json")


def test_cleared_faults_do_nothing(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("spike_arrest", phone=phone, times=100)
    sandbox.control("DELETE", "/faults", expect=204)

    push(daraja, catcher, phone)
    assert sandbox.control("GET", "/faults")["faults"] == []


@pytest.mark.parametrize("operation", ["oauth", "c2b_register", "pull_query"])
def test_requests_of_every_family_can_be_refused_and_lost(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, operation: str
) -> None:
    daraja.sign_in()
    for fault in ("spike_arrest", "error_500_after"):
        sandbox.fault(fault, operation=operation)
    calls = {
        "oauth": lambda: requests.get(
            daraja.credentials["api_url"] + "/oauth/v1/generate?grant_type=client_credentials",
            auth=(daraja.credentials["consumer_key"], daraja.credentials["consumer_secret"]),
            timeout=5,
        ),
        "c2b_register": lambda: daraja.register(catcher.url("/c"), catcher.url("/v"), ShortCode="600555"),
        "pull_query": lambda: daraja.post("/pulltransactions/v1/query", PULL_OF_NOTHING),
    }
    daraja.post("/pulltransactions/v1/register", PULL_REGISTRATION)

    assert same_error(calls[operation](), "error_e1_spike_arrest.json")
    assert same_error(calls[operation](), "error_e1_internal.json")
    assert calls[operation]().status_code == 200


PULL_REGISTRATION = {
    "ShortCode": "600556",
    "RequestType": "Pull",
    "NominatedNumber": "254722000000",
    "CallBackURL": "https://sacco.example/h",
}
PULL_OF_NOTHING = {
    "ShortCode": "600556",
    "StartDate": "2026-11-22 08:36:00",
    "EndDate": "2026-11-22 10:10:00",
    "OffSetValue": "0",
}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("callback_lost", ["validate"]),
        ("callback_duplicate", ["validate"] + ["confirm"] * 10),
        ("callback_forged", ["validate", "forged", "confirm"]),
        ("callback_out_of_order", ["validate", "confirm", "validate"]),
    ],
)
def test_confirmations_suffer_like_callbacks(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, fault: str, expected: list[str]
) -> None:
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"))
    sandbox.fault(fault, phone=phone)
    body = {"phone": phone, "shortcode": "174379", "account": "SV000123", "amount": 10}
    receipt = sandbox.control("POST", "/paybill", body, expect=201)["receipt"]

    catcher.wait(len(expected))
    catcher.stays_at(len(expected), seconds=0.5)
    honest = {"TransID": receipt, "BusinessShortCode": "174379", "TransAmount": "10.00"}
    seen = [
        caught.path.strip("/") if honest.items() <= caught.json.items() else "forged"
        for caught in sorted(catcher.caught, key=lambda caught: caught.at)
    ]
    assert seen == expected
    assert len(sandbox.lines_of(phone)) == 1


def test_a_paybill_payment_can_be_cancelled_after_validation(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"))
    sandbox.fault("cancelled", phone=phone, operation="c2b")
    body = {"phone": phone, "shortcode": "174379", "account": "SV000123", "amount": 10}

    assert sandbox.control("POST", "/paybill", body, expect=409)["code"] == "1032"
    assert len(catcher.at("/validate")) == 1
    catcher.stays_at(0, path="/confirm", seconds=0.5)


@pytest.mark.parametrize(
    "wish",
    [
        {"provider": "daraja", "fault": "nonsense"},
        {"provider": "nobody", "fault": "callback_lost"},
        {"provider": "daraja", "fault": "callback_lost", "operation": "oauth"},
        {"provider": "daraja", "fault": "callback_lost", "times": 0},
        {"provider": "daraja", "fault": "callback_lost", "delay_seconds": 3601},
        {"provider": "daraja", "fault": "callback_lost", "phone": "12"},
        {"provider": "daraja", "fault": "result"},
        {"provider": "africastalking", "fault": "wrong_pin"},
        {"provider": "daraja", "fault": "callback_lost", "tiems": 2},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(sandbox: Sandbox, wish: dict[str, Any]) -> None:
    assert sandbox.control("POST", "/faults", wish, expect=400)["error"]


def test_held_answers_do_not_hold_up_others(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    daraja.sign_in()
    sandbox.fault("timeout_before", times=40, delay_seconds=8, phone=phone)
    for _ in range(40):
        threading.Thread(target=_give_up, args=(daraja, catcher, phone), daemon=True).start()
    time.sleep(0.5)

    started = time.monotonic()
    push(daraja, catcher, str(int(phone) + 20_000_000))

    assert time.monotonic() - started < 5


def _give_up(daraja: Daraja, catcher: Catcher, phone: str) -> None:
    with contextlib.suppress(requests.RequestException):
        daraja.push(phone, catcher.url("/stk"))


def test_what_was_sent_can_be_read(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    sandbox.fault("callback_forged", phone=phone)
    checkout = push(daraja, catcher, phone)
    sandbox.answer(phone)
    catcher.wait(3, path="/stk")

    sent = sandbox.answered(checkout, 3)

    assert [callback["note"] for callback in sent] == ["forged", "forged", "honest, after the forgery"]
    assert {callback["http_status"] for callback in sent} == {200}
    assert json.loads(sent[0]["body"])["Body"]["stkCallback"]["ResultCode"] == 0
