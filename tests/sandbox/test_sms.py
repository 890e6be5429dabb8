"""Bulk SMS as Africa's Talking answers it, texts on the phones, and delivery reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.catcher import Catcher
from tests.sandbox.samples import FOLDER, sample, shape
from tests.sandbox.server import Sandbox

Send = Callable[..., requests.Response]


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    credentials = sandbox.control("GET", "/credentials")["africastalking"]

    def send(
        to: str, message: str, *, key: str | None = None, accept: str = "application/json", **fields: str
    ) -> requests.Response:
        return requests.post(
            credentials["api_url"] + "/messaging",
            data={"username": credentials["username"], "to": to, "message": message, **fields},
            headers={"apiKey": key or credentials["api_key"], "Accept": accept},
            timeout=5,
        )

    return send


@pytest.fixture
def reports(sandbox: Sandbox, catcher: Catcher, phone: str) -> Catcher:
    """Delivery reports of this test's number; earlier tests' texts may still be reported meanwhile."""
    sandbox.settings(sms_report_url=catcher.url("/reports"))
    catcher.only(lambda caught: caught.form["phoneNumber"] == f"+{phone}")
    return catcher


def recipient(answer: requests.Response) -> Any:
    return answer.json()["SMSMessageData"]["Recipients"][0]


def texts(sandbox: Sandbox, phone: str, more: str = "") -> list[Any]:
    messages: list[Any] = sandbox.control("GET", f"/sms?phone={phone}{more}")["messages"]
    return messages


def test_a_text_arrives_and_the_answer_looks_like_the_sample(sandbox: Sandbox, send: Send, phone: str) -> None:
    answer = send(f"+{phone},+25471", "KES 2,500.00 received.", **{"from": "PAMOJA"})

    assert answer.status_code == 201
    assert shape(answer.json()) == shape(sample("messaging_answer.json", "africastalking"))
    assert answer.json()["SMSMessageData"]["Message"] == "Sent to 1/2 Total Cost: KES 0.8000"
    good, bad = answer.json()["SMSMessageData"]["Recipients"]
    assert (good["statusCode"], good["status"], good["cost"]) == (101, "Success", "KES 0.8000")
    assert (bad["statusCode"], bad["status"], bad["cost"], bad["messageId"]) == (
        403, "InvalidPhoneNumber", "0", "None",
    )  # fmt: skip
    [text] = texts(sandbox, phone)
    assert (text["from"], text["text"], text["id"]) == ("PAMOJA", "KES 2,500.00 received.", good["messageId"])


def test_queued_texts_are_102_and_long_ones_cost_more(send: Send, phone: str) -> None:
    assert recipient(send(f"+{phone}", "a", enqueue="1"))["statusCode"] == 102
    assert recipient(send(f"+{phone}", "a" * 161))["cost"] == "KES 1.6000"
    assert recipient(send(f"+{phone}", "Member’s loan " * 6))["cost"] == "KES 1.6000"


def test_wrong_credentials_are_refused_in_plain_text(send: Send, phone: str) -> None:
    expected = (FOLDER / "africastalking" / "messaging_unauthorised.txt").read_text().strip()

    for answer in (send(f"+{phone}", "a", key="nobody"), send(f"+{phone}", "a", username="nobody")):
        assert (answer.status_code, answer.text) == (401, expected)


def test_a_bad_sender_refuses_the_whole_request(send: Send, phone: str) -> None:
    answer = send(f"+{phone}", "a", **{"from": "A NAME TOO LONG"})

    assert answer.status_code == 201
    assert answer.json() == sample("messaging_invalid_sender.json", "africastalking")


def test_who_does_not_ask_for_json_gets_xml(send: Send, phone: str) -> None:
    answer = send(f"+{phone}", "a", accept="*/*")

    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<statusCode>101</statusCode>" in answer.text


def test_a_blocked_number_and_an_empty_account_have_their_codes(sandbox: Sandbox, send: Send, phone: str) -> None:
    sandbox.phone(phone, sms_blocked=True)
    blocked = recipient(send(f"+{phone}", "a"))
    sandbox.phone(phone, sms_blocked=False)
    sandbox.settings(sms_credit="0")
    poor = recipient(send(f"+{phone}", "a"))

    assert (blocked["statusCode"], blocked["status"]) == (406, "UserInBlacklist")
    assert (poor["statusCode"], poor["status"]) == (405, "InsufficientBalance")
    assert texts(sandbox, phone) == []


def test_delivery_is_reported_in_two_steps(send: Send, reports: Catcher, phone: str) -> None:
    message_id = recipient(send(f"+{phone}", "a"))["messageId"]

    sent, arrived = reports.wait(2, path="/reports")

    assert arrived.content_type == "application/x-www-form-urlencoded"
    assert shape(arrived.form) == shape(sample("delivery_report_success.json", "africastalking"))
    assert [report.form["status"] for report in (sent, arrived)] == ["Sent", "Success"]
    assert arrived.form["id"] == message_id
    assert arrived.form["phoneNumber"] == f"+{phone}"


def test_a_phone_that_is_off_gets_nothing_and_says_so(
    sandbox: Sandbox, send: Send, reports: Catcher, phone: str
) -> None:
    sandbox.fault("unreachable", provider="africastalking", phone=phone)
    send(f"+{phone}", "a")

    last = reports.wait(2, path="/reports")[1]

    assert shape(last.form) == shape(sample("delivery_report_failed.json", "africastalking"))
    assert texts(sandbox, phone) == []


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("callback_lost", ["Sent"]),
        ("callback_duplicate", ["Sent"] + ["Success"] * 10),
        ("callback_out_of_order", ["Sent", "Failed", "Success"]),
        ("callback_forged", ["Sent", "Success", "Success"]),
    ],
)
def test_reports_suffer_like_callbacks(
    sandbox: Sandbox, send: Send, reports: Catcher, phone: str, fault: str, statuses: list[str]
) -> None:
    sandbox.fault(fault, provider="africastalking", phone=phone, delay_seconds=0.2)
    send(f"+{phone}", "a")

    reports.wait(len(statuses), path="/reports")
    reports.stays_at(len(statuses), path="/reports", seconds=2.2 if fault == "callback_lost" else 0.3)
    assert [report.form["status"] for report in reports.at("/reports")] == statuses


@pytest.mark.parametrize(
    ("fault", "status", "arrives"),
    [
        ("error_500_before", 500, False),
        ("error_500_after", 500, True),
        ("spike_arrest", 429, False),
        ("token_expired", 401, False),
    ],
)
def test_requests_can_fail_before_and_after_the_text_left(
    sandbox: Sandbox, send: Send, phone: str, fault: str, status: int, arrives: bool
) -> None:
    sandbox.fault(fault, provider="africastalking", phone=phone)

    assert send(f"+{phone}", "a").status_code == status
    assert len(texts(sandbox, phone)) == int(arrives)


@pytest.mark.parametrize(("fault", "arrives"), [("timeout_before", False), ("timeout_after", True)])
def test_an_answer_may_never_come(sandbox: Sandbox, send: Send, phone: str, fault: str, arrives: bool) -> None:
    sandbox.fault(fault, provider="africastalking", phone=phone, delay_seconds=0.3)

    with pytest.raises(requests.ConnectionError):
        send(f"+{phone}", "a")
    assert len(texts(sandbox, phone)) == int(arrives)


def test_texts_of_mpesa_itself_are_kept_apart(sandbox: Sandbox, send: Send, phone: str) -> None:
    body = {"phone": phone, "shortcode": "600300", "account": "A", "amount": 5}
    receipt = sandbox.control("POST", "/paybill", body, expect=201)["receipt"]
    send(f"+{phone}", "ours")

    assert [text["text"] for text in texts(sandbox, phone)] == ["ours"]
    assert texts(sandbox, phone, "&provider=daraja")[0]["text"].startswith(f"{receipt} Confirmed. Ksh5.00 sent to")
    assert len(texts(sandbox, phone, "&provider=all")) == 2


def test_the_account_knows_its_balance_and_its_costs(sandbox: Sandbox, send: Send, phone: str) -> None:
    credentials = sandbox.control("GET", "/credentials")["africastalking"]

    def balance() -> str:
        answer = requests.get(
            credentials["api_url"] + "/user?username=sandbox",
            headers={"apiKey": credentials["api_key"], "Accept": "application/json"},
            timeout=5,
        )
        text: str = answer.json()["UserData"]["balance"]
        return text

    before = balance()
    send(f"+{phone}", "a" * 400)
    line = sandbox.statement(provider="africastalking")[-1]

    assert before.startswith("KES ")
    assert before != balance()
    assert (line["amount"], line["phone"], line["direction"]) == ("2.4000", phone, "out")
