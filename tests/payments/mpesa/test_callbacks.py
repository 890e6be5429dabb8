"""Callbacks: what settles a prompt, what is kept as evidence only, and money that moves once."""

from __future__ import annotations

import logging

import pytest

from app.kernel.database import db
from app.kernel.money import ZERO, kes
from app.kernel.phones import Phone
from app.ledger import queries as ledger
from app.payments.models import AllocationState, CallbackOutcome, Payment
from app.payments.rails.mpesa.models import C2BTransaction, MpesaPull, MpesaTransaction
from app.payments.states import PaymentState
from tests.payments.mpesa.conftest import (
    SHORTCODE,
    STRANGER,
    arrive,
    c2b_body,
    payment,
    receipt,
    row_of,
    sent,
    someone,
    stk_body,
)


def transactions() -> list[MpesaTransaction]:
    return db.session.query(MpesaTransaction).order_by(MpesaTransaction.receipt_number).all()


def credited(society, before):
    return society.balance() - before


def test_a_success_callback_credits_the_account_under_its_receipt(society):
    payment_id, number, before = sent(society), receipt(), society.balance()

    outcome = arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))

    assert outcome is CallbackOutcome.APPLIED
    paid = payment(payment_id)
    assert (paid.state, paid.receipt_number) == (PaymentState.SUCCEEDED, number)
    assert credited(society, before) == kes("1,500")
    [transaction] = transactions()
    assert (transaction.receipt_number, transaction.payment_id) == (number, payment_id)
    assert transaction.channels == ["callback"]


def test_ten_equal_callbacks_credit_once(society):
    payment_id, number, before = sent(society), receipt(), society.balance()
    body = stk_body(payment_id, receipt_number=number)

    outcomes = [arrive("stk", payment_id, body) for _ in range(10)]

    assert outcomes == [CallbackOutcome.APPLIED, *[CallbackOutcome.REPEATED] * 9]
    assert credited(society, before) == kes("1,500")


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        (1032, PaymentState.CANCELLED, "Cancelled on the phone"),
        ("1037", PaymentState.EXPIRED, "No answer: the phone may be off"),
        (1019, PaymentState.EXPIRED, "No answer in time"),
        (1, PaymentState.FAILED, "Not enough money"),
        (2001, PaymentState.FAILED, "Wrong PIN"),
        ("SFC_IC0003", PaymentState.FAILED, "Our paybill or till number is not known to M-PESA"),
    ],
)
def test_a_failure_callback_closes_the_prompt_in_plain_words(society, code, state, words):
    payment_id, before = sent(society), society.balance()

    arrive("stk", payment_id, stk_body(payment_id, code=code))

    closed = payment(payment_id)
    assert (closed.state, closed.detail, closed.code) == (state, words, str(code))
    assert credited(society, before) == ZERO


def test_a_code_that_nobody_knows_neither_fails_nor_pays(society):
    payment_id = sent(society)

    arrive("stk", payment_id, stk_body(payment_id, code=777))

    assert payment(payment_id).state in (PaymentState.PENDING, PaymentState.UNKNOWN)


def test_a_late_failure_never_undoes_a_success(society):
    payment_id, before = sent(society), society.balance()
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt()))

    outcome = arrive("stk", payment_id, stk_body(payment_id, code=1037))

    assert outcome is CallbackOutcome.REPEATED
    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert row_of(payment_id).result_code == "0"
    assert credited(society, before) == kes("1,500")


def test_a_success_after_a_failure_still_credits(society):
    payment_id, before = sent(society), society.balance()
    arrive("stk", payment_id, stk_body(payment_id, code=1037))

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt()))

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert credited(society, before) == kes("1,500")


@pytest.mark.parametrize("missing", ["TransactionDate", "PhoneNumber"])
def test_a_receipt_and_an_amount_are_enough(society, missing):
    payment_id, before = sent(society), society.balance()

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt(), **{missing: None}))

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert credited(society, before) == kes("1,500")


def test_a_success_without_a_receipt_is_paid_and_its_receipt_is_sought(society):
    payment_id, before = sent(society), society.balance()

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=None))

    assert payment(payment_id).state is PaymentState.PAID
    assert credited(society, before) == ZERO
    assert db.session.get_one(MpesaPull, SHORTCODE).due_at is not None


def test_a_callback_before_the_acknowledgement_settles(society):
    payment_id, before = sent(society, acknowledged=False), society.balance()

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt()))

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert row_of(payment_id).checkout_request_id is not None
    assert credited(society, before) == kes("1,500")


FORGERIES = {
    "another amount": {"Amount": 15_000},
    "another phone": {"PhoneNumber": 254799999999},
    "another request": {"CheckoutRequestID": "ws_CO_20112026120000999999999999"},
    "another merchant": {"MerchantRequestID": "1-2-3"},
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES.keys())
def test_other_content_is_kept_flagged_and_moves_nothing(society, change, caplog):
    payment_id, before = sent(society), society.balance()

    with caplog.at_level(logging.WARNING, "pamoja.security"):
        outcome = arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt(), **change))

    assert outcome is CallbackOutcome.FLAGGED
    assert payment(payment_id).state is PaymentState.PENDING
    assert credited(society, before) == ZERO
    assert transactions() == []
    assert "mpesa.callback_flagged" in caplog.text
    assert db.session.get_one(MpesaPull, SHORTCODE).due_at is not None


def test_the_honest_callback_after_a_forged_one_settles(society):
    payment_id, before = sent(society), society.balance()
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt(), Amount=15_000))

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=receipt()))

    assert payment(payment_id).state is PaymentState.SUCCEEDED
    assert credited(society, before) == kes("1,500")


@pytest.mark.parametrize("flow", ["stk", "confirm", "validate", "pull"])
def test_a_foreign_source_is_kept_flagged_and_moves_nothing(society, flow):
    payment_id, before = sent(society), society.balance()
    bodies = {"stk": stk_body(payment_id, receipt_number=receipt())}
    body = bodies.get(flow) or c2b_body(receipt(), society.account_number)

    outcome = arrive(flow, payment_id if flow == "stk" else SHORTCODE, body, source=STRANGER)

    assert outcome is CallbackOutcome.FLAGGED
    assert credited(society, before) == ZERO
    assert transactions() == []


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "x" * 5_000, '{"Body":{}}'])
@pytest.mark.parametrize("flow", ["stk", "confirm"])
def test_what_cannot_be_read_is_kept_and_flagged(society, flow, body):
    payment_id = sent(society)

    assert arrive(flow, payment_id if flow == "stk" else SHORTCODE, body) is CallbackOutcome.FLAGGED


def test_a_paybill_payment_with_an_account_number_is_credited(society):
    number, before = receipt(), society.balance()

    outcome = arrive("confirm", SHORTCODE, c2b_body(number, f" {society.account_number.lower()} "))

    assert outcome is CallbackOutcome.APPLIED
    assert credited(society, before) == kes("1,500")
    [transaction] = transactions()
    assert transaction.payer_name == "NICHOLAS"
    [confirmation] = db.session.query(C2BTransaction).all()
    assert confirmation.transaction_id == transaction.id
    assert confirmation.balance_after == kes("25,000")


def test_a_paybill_payment_with_an_unknown_number_goes_to_suspense(society):
    arrive("confirm", SHORTCODE, c2b_body(receipt(), "WANJIKU"))

    [held] = db.session.query(Payment).all()
    assert held.state is PaymentState.SUCCEEDED
    assert [share.state for share in held.allocations] == [AllocationState.SUSPENSE]
    assert ledger.ledger_balance("2210") == kes("1,500")


def test_another_paybills_payment_is_kept_flagged_and_moves_nothing(society):
    body = c2b_body(receipt(), society.account_number, BusinessShortCode="600999")

    assert arrive("confirm", SHORTCODE, body) is CallbackOutcome.FLAGGED
    assert transactions() == []


def test_the_same_money_by_callback_confirmation_and_again_is_credited_once(society):
    payment_id, number, before = sent(society), receipt(), society.balance()

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))
    arrive("confirm", SHORTCODE, c2b_body(number, society.reference))
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))

    assert credited(society, before) == kes("1,500")
    [transaction] = transactions()
    assert transaction.channels == ["callback", "confirmation"]
    assert db.session.query(Payment).count() == 1


def test_a_confirmation_that_comes_first_finds_its_prompt(society):
    payment_id, number, before = sent(society), receipt(), society.balance()
    masked = f"{society.phone.msisdn[:4]} ***** {society.phone.msisdn[-3:]}"

    arrive("confirm", SHORTCODE, c2b_body(number, society.reference, MSISDN=masked))
    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))

    paid = payment(payment_id)
    assert (paid.state, paid.receipt_number) == (PaymentState.SUCCEEDED, number)
    assert credited(society, before) == kes("1,500")
    assert db.session.query(Payment).count() == 1


NO_MATCH = {
    "another phone": {"MSISDN": "2547 ***** 000"},
    "another amount": {"TransAmount": "1501.00"},
    "another time": {"TransTime": "20261120114400"},
}


@pytest.mark.parametrize("change", NO_MATCH.values(), ids=NO_MATCH.keys())
def test_a_confirmation_that_does_not_fit_the_prompt_is_a_payment_of_its_own(society, change):
    payment_id = sent(society)
    fitting = {"MSISDN": society.phone.msisdn}

    arrive("confirm", SHORTCODE, c2b_body(receipt(), society.reference, **fitting | change))

    assert payment(payment_id).state is PaymentState.PENDING
    assert db.session.query(Payment).count() == 2


def test_with_two_fitting_prompts_a_confirmation_is_a_payment_of_its_own(society):
    one, two = sent(society), sent(society, phone=Phone("254712999126"))

    arrive("confirm", SHORTCODE, c2b_body(receipt(), society.reference, MSISDN=""))

    assert {payment(one).state, payment(two).state} == {PaymentState.PENDING}
    assert db.session.query(Payment).count() == 3


def test_a_callback_after_its_money_was_credited_otherwise_posts_nothing_twice(society):
    payment_id, number, before = sent(society), receipt(), society.balance()
    arrive("confirm", SHORTCODE, c2b_body(number, society.reference, MSISDN="2547 ***** 000"))
    assert credited(society, before) == kes("1,500")

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))

    paid = payment(payment_id)
    assert (paid.state, paid.receipt_number) == (PaymentState.SUCCEEDED, number)
    assert credited(society, before) == kes("1,500")
    [transaction] = transactions()
    assert transaction.payment_id == payment_id


def test_a_callback_takes_its_money_out_of_suspense(society):
    payment_id, number, before = sent(society), receipt(), society.balance()
    arrive("confirm", SHORTCODE, c2b_body(number, "WANJIKU", MSISDN="2547 ***** 000"))
    assert ledger.ledger_balance("2210") == kes("1,500")

    arrive("stk", payment_id, stk_body(payment_id, receipt_number=number))

    assert ledger.ledger_balance("2210") == ZERO
    assert credited(society, before) == kes("1,500")


def test_channels_that_disagree_about_a_receipt_are_noted_for_a_person(society):
    number = receipt()
    arrive("confirm", SHORTCODE, c2b_body(number, society.account_number))

    arrive("confirm", SHORTCODE, c2b_body(number, society.account_number, amount="9000.00"))

    [transaction] = transactions()
    assert transaction.amount == kes("1,500")
    assert "9,000.00" in transaction.differs


def test_personal_data_of_a_receipt_is_unreadable_in_the_database(society):
    arrive("confirm", SHORTCODE, c2b_body(receipt(), "0712345678", MSISDN="254712345678", FirstName="WANJIKU"))

    raw = db.session.execute(db.text("select row_to_json(mpesa_transaction)::text from mpesa_transaction")).scalar_one()
    assert "WANJIKU" not in raw
    assert "712345678" not in raw


def test_a_confirmation_for_another_member_is_not_given_to_a_prompt(society):
    payment_id, other = sent(society), someone(1)
    before = other.balance()

    arrive("confirm", SHORTCODE, c2b_body(receipt(), other.account_number, MSISDN=society.phone.msisdn))

    assert payment(payment_id).state is PaymentState.PENDING
    assert other.balance() - before == kes("1,500")


def test_the_open_address_settles_nothing_but_makes_us_ask_sooner(society, clock):
    payment_id, before = sent(society), society.balance()
    due = payment(payment_id).due_at

    outcome = arrive("open", None, stk_body(payment_id, receipt_number=receipt()), source=STRANGER)

    hinted = payment(payment_id)
    assert outcome is CallbackOutcome.FLAGGED
    assert hinted.state is PaymentState.PENDING
    assert hinted.due_at < due
    assert credited(society, before) == ZERO


def test_the_open_address_moves_a_poll_once_in_twenty_seconds(society, clock):
    payment_id = sent(society)
    arrive("open", None, stk_body(payment_id, code=0))
    first = row_of(payment_id).hinted_at

    clock.forward(seconds=19)
    arrive("open", None, stk_body(payment_id, code=0))
    assert row_of(payment_id).hinted_at == first

    clock.forward(seconds=2)
    arrive("open", None, stk_body(payment_id, code=0))
    assert row_of(payment_id).hinted_at > first
