"""Verifying and changing the payment phone, and resetting the PIN, at the pages on which staff do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.approvals import queries as approvals
from app.approvals import service as deciding
from app.approvals.states import Verdict
from app.audit.models import AuditEvent
from app.identity.member_codes import pins
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.members import queries
from app.members.access import service
from app.members.models import MemberPhone
from app.messaging.models import SmsMessage
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.harness.texts import latest, number_in, sms_is_on
from tests.members import examples

SignedIn = Callable[[str], FlaskClient]
OLD, NEW = Phone("254712345678"), Phone("254722000111")


@pytest.fixture
def mary(books: Flask) -> Iterator[UUID]:
    with sms_is_on(books):
        yield examples.register(payment_phone="0712345678")


@pytest.fixture
def officer(mary: UUID, signed_in: SignedIn) -> FlaskClient:
    return signed_in("administrator")


def post(client: FlaskClient, member_id: UUID, path: str, **fields: Any) -> Any:
    return client.post(f"/members/{member_id}/{path}", data={"key": str(uuid4()), **fields})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_that_comes_back_verifies_the_phone(officer: FlaskClient, mary: UUID) -> None:
    asked = post(officer, mary, "phone/code")
    assert "0712 345 678" in asked.text
    code = number_in("phone_code")
    assert code not in asked.text

    answer = post(officer, mary, "phone/verify", code=code)

    assert (answer.status_code, answer.location) == (303, f"/members/{mary}")
    phone = queries.profile(mary).payment_phone
    assert phone is not None
    assert phone.verified_at is not None
    assert "verified" in officer.get(f"/members/{mary}").text


def test_a_wrong_code_counts_and_says_what_is_left(officer: FlaskClient, mary: UUID) -> None:
    post(officer, mary, "phone/code")
    code = number_in("phone_code")

    answers = [post(officer, mary, "phone/verify", code=wrong(code)) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {422}
    assert "This is not the code. 4 tries left." in answers[0].text
    assert "void. Send a new one." in answers[4].text
    assert "no longer good" in post(officer, mary, "phone/verify", code=code).text


def test_a_double_click_is_one_try_and_one_text(officer: FlaskClient, mary: UUID) -> None:
    for _ in range(2):
        post(officer, mary, "phone/code", key="first")
    assert len(db.session.scalars(select(SmsMessage).where(SmsMessage.template == "phone_code")).all()) == 1
    code = number_in("phone_code")

    answers = [post(officer, mary, "phone/verify", key="second", code=code) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]


def test_a_code_to_the_new_number_makes_it_the_payment_phone(
    officer: FlaskClient, mary: UUID, clock: SettableClock
) -> None:
    asked = post(officer, mary, "phone/change", phone="0722 000 111")
    assert "0722 000 111" in asked.text
    message = latest("phone_change_code")
    assert message.phone == NEW
    assert queries.payment_phone(mary) == OLD, "nothing changes before the code comes back"

    answer = post(officer, mary, "phone/confirm", phone="0722000111", code=number_in("phone_change_code"))

    assert answer.status_code == 303
    row = queries.phone_in_use(mary, queries.PhonePurpose.PAYMENT)
    assert row is not None
    assert (row.phone, row.verified_at is not None) == (NEW, True)
    assert row.money_out_from is not None
    assert timedelta(hours=23) < row.money_out_from - clock() <= timedelta(hours=24)
    assert service.money_out_from(mary) == row.money_out_from
    ended = db.session.scalars(select(MemberPhone).where(MemberPhone.ended_at.is_not(None))).one()
    assert ended.phone == OLD
    notice = latest("phone_changed")
    assert notice.phone == OLD
    assert "111" in notice.text
    assert "No money leaves before" in officer.get(f"/members/{mary}/phone").text


def test_the_code_for_one_number_makes_no_other_the_payment_phone(officer: FlaskClient, mary: UUID) -> None:
    post(officer, mary, "phone/change", phone="0722000111")

    answer = post(officer, mary, "phone/confirm", phone="0733000999", code=number_in("phone_change_code"))

    assert answer.status_code == 422
    assert queries.payment_phone(mary) == OLD


@pytest.mark.parametrize("path", ["phone/change", "phone/ask"])
def test_a_number_that_somebody_pays_with_is_refused(officer: FlaskClient, mary: UUID, path: str) -> None:
    examples.register(payment_phone="0722000111")

    answer = post(officer, mary, path, phone="0722000111", **({"reason": "She lost her SIM"} if "ask" in path else {}))

    assert answer.status_code == 409
    assert "Another member pays with this number." in answer.text
    assert queries.payment_phone(mary) == OLD


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("phone/change", {"phone": "12"}, "Enter a Kenyan mobile number"),
        ("phone/change", {"phone": "0712345678"}, "This is the payment phone already."),
        ("phone/verify", {}, "This is needed."),
        ("phone/ask", {"phone": "0722000111", "reason": "x"}, "This is needed."),
    ],
)
def test_what_was_mistyped_is_explained_where_it_stands(
    officer: FlaskClient, mary: UUID, path: str, fields: dict[str, str], sentence: str
) -> None:
    answer = post(officer, mary, path, **fields)

    assert answer.status_code in (409, 422)
    assert sentence in answer.text


def test_without_a_code_two_people_decide(books: Flask, mary: UUID) -> None:
    jane, paul = hire("administrator"), hire("administrator")
    client = signed_in_client(books, jane)

    answer = post(client, mary, "phone/ask", phone="0722000111", reason="Came with her ID, the SIM is abroad")
    assert answer.status_code == 303
    assert queries.payment_phone(mary) == OLD
    assert "waits for a second person" in client.get(f"/members/{mary}/phone").text

    [asked] = approvals.waiting_about(("member", mary))
    page = signed_in_client(books, paul).get(f"/approvals/{asked.id}").text
    assert "0722 000 111" in page
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    by = Actor("staff", str(paul), "web")
    in_transaction(lambda: deciding.decide(asked.id, Verdict.APPROVE, by=by, note=None, version=found[1]))

    row = queries.phone_in_use(mary, queries.PhonePurpose.PAYMENT)
    assert row is not None
    assert (row.phone, row.verified_at) == (NEW, None)
    assert latest("phone_changed").phone == OLD


def test_the_edit_form_leaves_the_payment_phone_alone(officer: FlaskClient, mary: UUID) -> None:
    page = officer.get(f"/members/{mary}/edit").text
    assert 'name="payment_phone"' not in page
    assert f"/members/{mary}/phone" in page
    person = examples.fields(payment_phone="0722000111", national_id="29876543")

    with pytest.raises(Invalid) as refused:
        examples.edit(mary, person)

    assert "changed on a page of its own" in refused.value.errors["payment_phone"]
    assert queries.payment_phone(mary) == OLD


def test_a_pin_goes_to_a_verified_phone_only(officer: FlaskClient, mary: UUID) -> None:
    assert "not verified" in officer.get(f"/members/{mary}/pin").text
    assert post(officer, mary, "pin").status_code == 409
    assert pins.standing(mary) is None

    post(officer, mary, "phone/code")
    post(officer, mary, "phone/verify", code=number_in("phone_code"))
    answer = post(officer, mary, "pin")

    assert answer.status_code == 303
    assert latest("member_pin").phone == OLD
    assert "Send a new PIN" in officer.get(f"/members/{mary}/pin").text


def test_messages_never_show_a_code_or_a_pin(officer: FlaskClient, mary: UUID) -> None:
    post(officer, mary, "phone/code")
    code, message = number_in("phone_code"), latest("phone_code")

    pages = [officer.get("/messages").text, officer.get(f"/messages/{message.id}").text]

    assert all(code not in page and "****" in page for page in pages)


def test_who_may_not_gets_nowhere(mary: UUID, signed_in: SignedIn, client: FlaskClient) -> None:
    teller = signed_in("teller")

    for path in ("phone/code", "phone/verify", "phone/change", "phone/confirm", "phone/ask", "pin"):
        assert post(teller, mary, path).status_code == 403
        assert post(client, mary, path).status_code in (303, 403)
    assert "Reset PIN" not in teller.get(f"/members/{mary}").text


def test_what_was_done_is_on_record_without_the_number(officer: FlaskClient, mary: UUID) -> None:
    post(officer, mary, "phone/change", phone="0722000111")
    post(officer, mary, "phone/confirm", phone="0722000111", code=number_in("phone_change_code"))

    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "members.payment_phone_changed")).one()
    assert event.after is not None
    assert event.after["payment_phone"] == "changed"
    assert "722000111" not in str(event.after)
