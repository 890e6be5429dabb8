"""The client against the simulated provider: two processes, real HTTP, and the provider's own faults."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest

from app.kernel.phones import Phone
from app.messaging import africastalking
from app.messaging.africastalking import Account, AfricasTalkingClient
from app.messaging.answers import Outcome
from app.messaging.schemas import DeliveryReport
from tests.sandbox.catcher import Catcher, Caught
from tests.sandbox.server import Sandbox

_numbers = itertools.count(254722500001)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = Sandbox(tmp_path_factory.mktemp("sandbox") / "books")
    yield running
    running.stop()


@pytest.fixture
def phone() -> Phone:
    return Phone(str(next(_numbers)))


@pytest.fixture
def client(sandbox: Sandbox) -> AfricasTalkingClient:
    return client_of(sandbox)


def client_of(sandbox: Sandbox, **changes: str) -> AfricasTalkingClient:
    given = sandbox.control("GET", "/credentials")["africastalking"]
    account = {
        "username": given["username"],
        "api_key": given["api_key"],
        "url": given["api_url"],
        "sender_id": "PAMOJA",
    }
    return AfricasTalkingClient(Account(**{**account, **changes}))


def inbox(sandbox: Sandbox, phone: Phone) -> list[str]:
    """What the phone shows."""
    return [text["text"] for text in sandbox.control("GET", f"/sms?phone={phone.msisdn}")["messages"]]


def test_a_text_arrives_on_the_phone(client, sandbox, phone):
    answer = client.send(phone, "Karibu, Amina.")

    assert (answer.outcome, answer.cost, answer.cost_currency) == (Outcome.ACCEPTED, Decimal("0.8"), "KES")
    assert inbox(sandbox, phone) == ["Karibu, Amina."]


def test_two_parts_cost_twice_as_much(client, phone):
    assert client.send(phone, "a" * 161).cost == Decimal("1.6")


def test_a_wrong_key_holds_everything(sandbox, phone):
    answer = client_of(sandbox, api_key="atsk_wrong").send(phone, "Karibu")

    assert answer.outcome is Outcome.HOLD
    assert "authentication is invalid" in answer.detail
    assert inbox(sandbox, phone) == []


def test_a_sender_that_is_not_ours_holds_everything(sandbox, phone):
    assert client_of(sandbox, sender_id="MUCH-TOO-LONG").send(phone, "Karibu").outcome is Outcome.HOLD


def test_an_empty_account_holds_everything(client, sandbox, phone):
    sandbox.fault("insufficient_funds", provider="africastalking", phone=phone.msisdn)

    answer = client.send(phone, "Karibu")

    assert (answer.outcome, answer.code) == (Outcome.HOLD, "405")


def test_a_member_who_blocked_us_is_left_alone(client, sandbox, phone):
    sandbox.phone(phone.msisdn, sms_blocked=True)

    assert client.send(phone, "Karibu").outcome is Outcome.REFUSED


def test_a_spike_may_be_tried_again(client, sandbox, phone):
    sandbox.fault("spike_arrest", provider="africastalking", phone=phone.msisdn)

    assert client.send(phone, "Karibu").outcome is Outcome.RETRY
    assert inbox(sandbox, phone) == []


@pytest.mark.parametrize(("fault", "arrived"), [("error_500_before", []), ("error_500_after", ["Karibu"])])
def test_an_error_of_the_provider_is_unknown_and_rightly_so(client, sandbox, phone, fault, arrived):
    sandbox.fault(fault, provider="africastalking", phone=phone.msisdn)

    assert client.send(phone, "Karibu").outcome is Outcome.UNKNOWN
    assert inbox(sandbox, phone) == arrived


@pytest.mark.parametrize(("fault", "arrived"), [("timeout_before", []), ("timeout_after", ["Karibu"])])
def test_silence_of_the_provider_is_unknown_and_rightly_so(client, sandbox, phone, monkeypatch, fault, arrived):
    monkeypatch.setattr(africastalking, "TIMEOUT_SECONDS", (1, 0.5))
    sandbox.fault(fault, provider="africastalking", phone=phone.msisdn)

    assert client.send(phone, "Karibu").outcome is Outcome.UNKNOWN
    assert inbox(sandbox, phone) == arrived


def test_its_delivery_reports_can_be_read(client, sandbox, phone):
    catcher = Catcher()
    sandbox.settings(sms_report_url=catcher.url("/delivery"))

    answer = client.send(phone, "Karibu")
    reports = [told for told in map(read, caught_until_final(catcher, phone)) if told.phone == phone]

    sandbox.settings(sms_report_url="")
    catcher.close()
    assert [report.status for report in reports] == ["Sent", "Success"]
    assert {report.id for report in reports} == {answer.message_id}


def read(caught: Caught) -> DeliveryReport:
    return DeliveryReport.model_validate(caught.form)


def caught_until_final(catcher: Catcher, phone: Phone) -> list[Caught]:
    """Every report up to the last of this phone; some of other tests' texts are still on their way."""
    for count in itertools.count(1):
        caught = catcher.wait(count)
        if caught[-1].form["phoneNumber"] == phone.e164 and caught[-1].form["status"] == "Success":
            break
    return caught
