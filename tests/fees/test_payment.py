"""A registration fee that comes by M-PESA: prompted or sent to the paybill, settled, and never more than is owed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.fees import queries
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.payments import queries as payments
from app.payments.destinations import Purpose
from app.payments.models import AllocationState, Payment
from app.payments.service import Intended, PaymentService
from tests.fees import examples
from tests.ledger.journal import journal, stored
from tests.members import examples as people
from tests.payments.mpesa.conftest import Society
from tests.payments.mpesa.test_api import PUSH, program
from tests.payments.test_receipts import money, receive

pytestmark = pytest.mark.usefixtures("paybill")


@pytest.fixture
def member_id(society: Society) -> UUID:
    """A member who owes KES 500 and KES 100 of excise."""
    examples.registration_fee("500")
    return people.register()


def owed(member_id: UUID) -> queries.Owed:
    found = queries.owed(member_id)
    assert found is not None
    return found


def arrives(amount: str, reference: str, number: str = "UKM4T7X2QA") -> Payment:
    return payments.get(receive(money(number, amount, account=reference)))


def test_money_sent_to_the_paybill_settles_the_fee(member_id: UUID) -> None:
    payment = arrives("250", owed(member_id).account.number.lower())

    [share] = payment.allocations
    assert (share.purpose, share.state) == (Purpose.REGISTRATION_FEE, AllocationState.POSTED)
    assert share.entry_id is not None
    assert stored(share.entry_id) == journal(f"""
        {payment.paid_at:%Y-%m-%d} Registration fee UKM4T7X2QA
          1120    250.00
          1245 {owed(member_id).account.number}  -250.00
    """)
    assert owed(member_id).amount == kes(350)


def test_more_than_is_owed_waits_for_a_person(member_id: UUID) -> None:
    payment = arrives("601", owed(member_id).account.number)

    [share] = payment.allocations
    assert (share.state, "Only KES 600.00 is owed" in share.reason) == (AllocationState.SUSPENSE, True)
    assert owed(member_id).amount == kes(600)


def test_the_fee_can_be_prompted_for(app: Flask, member_id: UUID, signed_in: Callable[[str], FlaskClient]) -> None:
    account = owed(member_id).account
    page = signed_in("administrator").get(f"/payments/prompt/{member_id}").get_data(as_text=True)
    share = Intended(Purpose.REGISTRATION_FEE, None, kes(600))

    payment_id = in_transaction(
        lambda: PaymentService(people.OFFICER).prompt(member_id, phone=people.details().payment_phone, intended=[share])
    )
    receive(money("UKPROMPT00", "600"), prompt=payment_id)

    assert f'value="REGISTRATION_FEE:{account.id}"' in page
    assert payments.get(payment_id).account_reference == account.number.replace("-", "")
    assert queries.owed(member_id) is None


def test_another_program_may_prompt_for_the_fee_and_for_no_more_than_is_owed(
    client: FlaskClient, member_id: UUID
) -> None:
    api, number = program(client), owed(member_id).account.number
    wish = {"amount": "601", "member": str(member_id), "purpose": "REGISTRATION_FEE", "account": number}

    refused = api.post(PUSH, wish, key="a-1")
    accepted = api.post(PUSH, {**wish, "amount": "250"}, key="a-2")

    assert (refused.status_code, accepted.status_code) == (422, 202)
    assert "Only KES 600.00 of the registration fee is owed." in refused.get_data(as_text=True)
    [share] = payments.get(UUID(accepted.get_json()["payment_id"])).allocations
    assert (share.purpose, share.account_label) == (Purpose.REGISTRATION_FEE, number)
