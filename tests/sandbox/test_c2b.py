"""Payments to the paybill: registration, validation, confirmation, pull and statement."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.daraja import Daraja
from tests.sandbox.samples import same_error, sample, shape
from tests.sandbox.server import Sandbox

EAT = timezone(timedelta(hours=3))


@pytest.fixture
def paybill(sandbox: Sandbox, daraja: Daraja, catcher: Catcher) -> Sandbox:
    """The sandbox, with our addresses registered for the paybill."""
    answer = daraja.register(catcher.url("/confirm"), catcher.url("/validate"))
    assert answer.status_code == 200, answer.text
    return sandbox


def pay(sandbox: Sandbox, phone: str, *, amount: object = 100, account: str = "SV000123", expect: int = 201) -> Any:
    body = {"phone": phone, "shortcode": "174379", "account": account, "amount": amount}
    return sandbox.control("POST", "/paybill", body, expect=expect)


def test_registration_is_answered_with_the_misspelt_key(daraja: Daraja, catcher: Catcher) -> None:
    answer = daraja.register(catcher.url("/confirm"), catcher.url("/validate"))

    assert shape(answer.json()) == shape(sample("c2b_register_ack.json"))
    assert answer.json()["ResponseDescription"] == "Success"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"ShortCode": "999999"}, "400.002.02", "Bad Request - Invalid ShortCode"),
        ({"ResponseType": "completed"}, "400.002.02", "Bad Request - Invalid ResponseType"),
        ({"ConfirmationURL": "https://x.example/MPESA"}, "400.002.02", "Bad Request - Invalid ConfirmationURL"),
        ({"ValidationURL": "nowhere"}, "400.002.02", "Bad Request - Invalid ValidationURL"),
    ],
)
def test_registration_checks_its_fields(
    daraja: Daraja, catcher: Catcher, changes: dict[str, str], code: str, text: str
) -> None:
    answer = daraja.register(catcher.url("/confirm"), catcher.url("/validate"), **changes)

    assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == (code, text)


def test_a_field_that_is_left_out_is_400_003_02(daraja: Daraja) -> None:
    answer = daraja.post("/mpesa/c2b/v2/registerurl", {"ShortCode": "174379"})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.003.02")


def test_production_registers_once(sandbox: Sandbox, daraja: Daraja) -> None:
    sandbox.settings(profile="production")
    first = daraja.register("https://a.example/c", "https://a.example/v", ShortCode="600321")
    second = daraja.register("https://b.example/c", "https://b.example/v", ShortCode="600321")

    assert first.status_code == 200
    assert same_error(second, "error_e1_urls_registered.json")


def test_a_payment_is_validated_then_confirmed(paybill: Sandbox, catcher: Catcher, phone: str) -> None:
    catcher.answers["/validate"] = lambda: (200, '{"ResultCode":"0","ResultDesc":"Accepted","ThirdPartyTransID":"T77"}')

    paid = pay(paybill, phone)

    [question] = catcher.wait(path="/validate")
    [confirmation] = catcher.wait(path="/confirm")
    assert paid["status"] == "completed"
    assert shape(question.json) == shape(sample("c2b_validation_v2.json"))
    assert shape(confirmation.json) == shape(sample("c2b_confirmation_v2.json"))
    assert question.json["OrgAccountBalance"] == ""
    assert question.json["TransID"] == confirmation.json["TransID"] == paid["receipt"]
    assert confirmation.json["ThirdPartyTransID"] == "T77"
    assert confirmation.json["TransAmount"] == "100.00"
    assert confirmation.json["MSISDN"] == f"2547 ***** {phone[-3:]}"


def test_the_balance_of_the_paybill_runs_on_from_payment_to_payment(
    paybill: Sandbox, catcher: Catcher, phone: str
) -> None:
    pay(paybill, phone, amount=100)
    first = catcher.wait(1, path="/confirm")[0]
    pay(paybill, phone, amount=30)
    second = catcher.wait(2, path="/confirm")[1]

    assert float(second.json["OrgAccountBalance"]) - float(first.json["OrgAccountBalance"]) == 30


def test_version_1_hashes_the_number(sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"), version="v1")
    pay(sandbox, phone)

    [confirmation] = catcher.wait(path="/confirm")
    assert confirmation.json["MSISDN"] == hashlib.sha256(phone.encode()).hexdigest()


@pytest.mark.parametrize(("form", "expected"), [("clear", "{0}"), ("older_mask", "{1}****{2}")])
def test_some_shortcodes_get_the_number_in_other_forms(
    paybill: Sandbox, catcher: Catcher, phone: str, form: str, expected: str
) -> None:
    paybill.control("PUT", "/shortcodes/174379", {"msisdn_form": form})
    pay(paybill, phone)
    paybill.control("PUT", "/shortcodes/174379", {"msisdn_form": "by_version"})

    assert catcher.wait(path="/confirm")[0].json["MSISDN"] == expected.format(phone, phone[:5], phone[-3:])


def test_a_payment_that_we_reject_does_not_happen(paybill: Sandbox, catcher: Catcher, phone: str) -> None:
    catcher.answers["/validate"] = lambda: (200, '{"ResultCode":"C2B00012","ResultDesc":"Rejected"}')

    refused = pay(paybill, phone, account="NOBODY", expect=409)

    assert (refused["code"], refused["error"]) == ("C2B00012", "Invalid Account Number")
    catcher.stays_at(0, path="/confirm", seconds=0.5)
    assert paybill.lines_of(phone) == []
    assert paybill.phone(phone)["balance"] == "50000.00"


@pytest.mark.parametrize(("response_type", "paid"), [("Completed", True), ("Cancelled", False)])
def test_a_validation_that_is_too_slow_is_decided_by_the_response_type(
    sandbox: Sandbox, daraja: Daraja, catcher: Catcher, phone: str, response_type: str, paid: bool
) -> None:
    sandbox.settings(validation_seconds=0.3)
    daraja.register(catcher.url("/confirm"), catcher.url("/validate"), ResponseType=response_type)

    def slow() -> tuple[int, str]:
        time.sleep(0.6)
        return 200, '{"ResultCode":"C2B00012","ResultDesc":"Rejected"}'

    catcher.answers["/validate"] = slow
    pay(sandbox, phone, expect=201 if paid else 409)

    catcher.stays_at(1 if paid else 0, path="/confirm", seconds=0.6)
    assert len(sandbox.lines_of(phone)) == (1 if paid else 0)


@pytest.mark.parametrize("answer", [(500, "{}"), (200, "<html>"), (200, "{}")])
def test_a_validation_that_makes_no_sense_counts_as_none(
    paybill: Sandbox, catcher: Catcher, phone: str, answer: tuple[int, str]
) -> None:
    catcher.answers["/validate"] = lambda: answer

    pay(paybill, phone)

    catcher.wait(path="/confirm")


def test_validation_can_be_switched_off(paybill: Sandbox, catcher: Catcher, phone: str) -> None:
    paybill.control("PUT", "/shortcodes/174379", {"validation": False})
    pay(paybill, phone)
    paybill.control("PUT", "/shortcodes/174379", {"validation": True})

    catcher.wait(path="/confirm")
    assert catcher.at("/validate") == []


def test_simulate_pays_like_a_customer(paybill: Sandbox, daraja: Daraja, catcher: Catcher, phone: str) -> None:
    answer = daraja.simulate(phone, 7, "A1")

    assert shape(answer.json()) == shape(sample("c2b_simulate_ack.json"))
    assert answer.json()["ResponseDescription"] == "Accept the service request successfully."
    [confirmation] = catcher.wait(path="/confirm")
    assert confirmation.json["BillRefNumber"] == "A1"
    assert [line["amount"] for line in paybill.lines_of(phone)] == ["7.00"]


def test_a_payment_the_wallet_cannot_bear_is_refused(paybill: Sandbox, phone: str) -> None:
    paybill.phone(phone, balance="99")

    assert pay(paybill, phone, expect=409)["code"] == "1"


@pytest.mark.parametrize("amount", ["0", "1.50", "-5", "much", None])
def test_a_payment_is_whole_shillings(paybill: Sandbox, phone: str, amount: object) -> None:
    assert "amount" in pay(paybill, phone, amount=amount, expect=400)["error"]


# Pull


def pull(daraja: Daraja, *, minutes: int = 60, offset: int = 0, shortcode: str = "174379", until: int = 1) -> Any:
    now = datetime.now(EAT)
    return daraja.post(
        "/pulltransactions/v1/query",
        {
            "ShortCode": shortcode,
            "StartDate": (now - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S"),
            "EndDate": (now + timedelta(minutes=until)).strftime("%Y-%m-%d %H:%M:%S"),
            "OffSetValue": str(offset),
        },
    )


def register_pull(daraja: Daraja, shortcode: str = "174379") -> requests.Response:
    return daraja.post(
        "/pulltransactions/v1/register",
        {
            "ShortCode": shortcode,
            "RequestType": "Pull",
            "NominatedNumber": "254722000000",
            "CallBackURL": "https://sacco.example/h",
        },
    )


def test_pull_registers_once_and_says_so_again(sandbox: Sandbox, daraja: Daraja) -> None:
    first, second = register_pull(daraja, "600111"), register_pull(daraja, "600111")
    sandbox.settings(pull_keys="spaced")
    spaced = register_pull(daraja, "600112")

    assert shape(first.json()) == shape(sample("pull_register_ack.json"))
    assert (first.json()["ResponseStatus"], second.json()["ResponseStatus"]) == ("1000", "1001")
    assert shape(spaced.json()) == shape(sample("pull_register_ack_spaced.json"))


def test_pull_finds_what_was_paid_by_either_channel(
    paybill: Sandbox, daraja: Daraja, catcher: Catcher, phone: str
) -> None:
    register_pull(daraja)
    typed = pay(paybill, phone, amount=11)["receipt"]
    daraja.push(phone, catcher.url("/stk"), Amount=12)
    prompted = paybill.answer(phone)["receipt"]

    answer = pull(daraja).json()

    assert shape(answer)["Response"][0][0] == shape(sample("pull_query_answer.json"))["Response"][0][0]
    assert answer["ResponseCode"] == "1000"
    rows = {row["transactionId"]: row for row in answer["Response"][0]}
    assert rows[typed]["amount"] == "11.00"
    assert rows[prompted]["msisdn"] == int(phone[3:])
    assert rows[prompted]["billreference"] == "SV000123"


def test_pull_pages_by_offset_until_nothing_is_left(paybill: Sandbox, daraja: Daraja, phone: str) -> None:
    register_pull(daraja, "600113")
    for amount in (1, 2, 3):
        body = {"phone": phone, "shortcode": "600113", "account": "A", "amount": amount}
        paybill.control("POST", "/paybill", body, expect=201)
    paybill.settings(pull_page_rows=2)

    pages = [pull(daraja, shortcode="600113", offset=offset).json() for offset in (0, 2, 4)]

    assert [[row["amount"] for row in page["Response"][0]] for page in pages] == [["1.00", "2.00"], ["3.00"], []]
    assert shape(pages[2]) == shape(sample("pull_query_empty.json"))
    assert pages[2]["ResponseCode"] == "1001"


def test_pull_says_times_in_eat_or_utc(paybill: Sandbox, daraja: Daraja, phone: str) -> None:
    register_pull(daraja, "600114")
    paybill.control(
        "POST", "/paybill", {"phone": phone, "shortcode": "600114", "account": "A", "amount": 1}, expect=201
    )

    as_eat = pull(daraja, shortcode="600114").json()["Response"][0][0]["trxDate"]
    paybill.settings(pull_time="utc")
    as_utc = pull(daraja, shortcode="600114").json()["Response"][0][0]["trxDate"]

    assert datetime.fromisoformat(as_eat) - datetime.fromisoformat(as_utc) == timedelta(hours=3)
    assert abs(datetime.fromisoformat(as_utc) - datetime.now(UTC)) < timedelta(minutes=1)


def test_pull_refuses_a_shortcode_that_is_not_registered(daraja: Daraja) -> None:
    assert same_error(pull(daraja, shortcode="600115"), "pull_error_shortcode.json")


def test_the_statement_of_another_day_is_empty(paybill: Sandbox, phone: str) -> None:
    pay(paybill, phone)
    today = datetime.now(EAT).date()

    assert phone in {line["phone"] for line in paybill.statement(date=str(today))}
    assert paybill.statement(date=str(today - timedelta(days=1))) == []
