"""Asking for money: persist, then call; a time-out is not a failure; nothing is sent twice."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import kes
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.messaging.models import SmsMessage
from app.payments import jobs, queries
from app.payments.destinations import Purpose
from app.payments.errors import AccountNotFitting, PromptOpen, PurposeUnknown
from app.payments.models import Payment
from app.payments.rails import Answer, Outcome
from app.payments.rules import RESEND_AFTER
from app.payments.service import Intended, PaymentService
from app.payments.states import PaymentState
from tests.payments.mpesa.conftest import OFFICER, payment, prompt, sent, someone

JOB = Actor.system("payments.submit")
BUSY = Answer(Outcome.WAIT, "M-PESA is busy", "500.003.02")


def claim(payment_id):
    return in_transaction(lambda: PaymentService(JOB).claim_for_submission(payment_id))


def question(payment_id):
    return in_transaction(lambda: PaymentService(JOB).claim_for_question(payment_id))


def record(payment_id, answer, evidence="answer"):
    in_transaction(lambda: PaymentService(JOB).record_answer(payment_id, answer, evidence=evidence))


def path(payment_id):
    return [move.to_state.value for move in payment(payment_id).moves]


def test_a_prompt_is_saved_with_its_text_before_anything_is_sent(society, texts):
    payment_id = prompt(society)

    created = payment(payment_id)
    assert (created.state, created.submitted_at) == (PaymentState.CREATED, None)
    assert created.account_reference == society.reference
    text = db.session.scalars(select(SmsMessage).where(SmsMessage.cause_id == str(payment_id))).one()
    assert "KES 1,500.00" in text.text


def test_a_payment_is_claimed_for_sending_once(society):
    payment_id = prompt(society)

    assert claim(payment_id) is not None
    assert claim(payment_id) is None
    assert payment(payment_id).state is PaymentState.SUBMITTED


def test_a_sender_that_died_leaves_the_payment_to_be_asked_about_and_never_sent_again(society, clock):
    payment_id = prompt(society)
    claim(payment_id)
    assert ("payments.poll", (payment_id,)) not in jobs.due_payments()

    clock.forward(seconds=91)

    assert ("payments.poll", (payment_id,)) in jobs.due_payments()
    assert claim(payment_id) is None
    question(payment_id)
    assert payment(payment_id).state is PaymentState.UNKNOWN
    assert payment(payment_id).sendings == 1


def test_what_the_provider_refused_before_doing_anything_is_sent_again_a_few_times(society, clock):
    payment_id = prompt(society)

    for _ in range(len(RESEND_AFTER)):
        assert claim(payment_id) is not None
        record(payment_id, BUSY)
        assert payment(payment_id).state is PaymentState.SUBMITTED
        assert claim(payment_id) is None
        clock.forward(seconds=31)
        assert ("payments.submit", (payment_id,)) in jobs.due_payments()
    assert claim(payment_id) is not None
    record(payment_id, BUSY)

    assert payment(payment_id).state is PaymentState.FAILED
    assert path(payment_id) == ["created", "submitted", "failed"]


def test_a_busy_line_is_given_the_minute_that_it_needs(society, clock):
    payment_id = prompt(society)
    claim(payment_id)

    record(payment_id, Answer(Outcome.WAIT, "Another request is open on this phone", pause_seconds=60))

    clock.forward(seconds=59)
    assert claim(payment_id) is None
    clock.forward(seconds=1)
    assert claim(payment_id) is not None


def test_an_answer_that_was_lost_makes_the_payment_unknown_and_a_late_one_still_counts(society, clock):
    payment_id = prompt(society)
    claim(payment_id)

    record(payment_id, Answer(Outcome.UNKNOWN, "No answer in time"))
    assert payment(payment_id).state is PaymentState.UNKNOWN
    record(payment_id, Answer(Outcome.ACCEPTED, "Sent to the phone", facts={"step": "push"}))

    assert payment(payment_id).state is PaymentState.PENDING


def test_questions_come_at_growing_pauses_and_end_after_48_hours(society, clock):
    payment_id = sent(society, acknowledged=False)
    asked = 0
    for _ in range(200):
        if payment(payment_id).due_at is None:
            break
        clock.set(max(clock(), payment(payment_id).due_at))
        question(payment_id)
        asked += 1

    assert payment(payment_id).state is PaymentState.EXPIRED
    assert 50 < asked < 70  # nine in the first hour, then one an hour for two days


def test_a_paid_prompt_without_a_receipt_posts_nothing(society):
    payment_id, before = sent(society), society.balance()

    record(payment_id, Answer(Outcome.PAID, "Paid", "0"), evidence="query")

    assert payment(payment_id).state is PaymentState.PAID
    assert society.balance() == before
    assert not payment(payment_id).state.is_closed


def test_a_second_prompt_to_a_ringing_phone_is_refused(society):
    prompt(society)

    with pytest.raises(PromptOpen):
        prompt(society, "700")


def test_the_phone_may_be_prompted_again_after_a_failure(society):
    first = sent(society)
    record(first, Answer(Outcome.CANCELLED, "Cancelled on the phone", "1032"))

    assert prompt(society) != first


@pytest.mark.parametrize("amount", ["0.50", "250,001", "10.25"])
def test_an_amount_that_mpesa_cannot_carry_is_refused_beside_the_field(society, amount):
    with pytest.raises(Invalid) as refused:
        prompt(society, amount)

    assert "amount" in refused.value.errors
    assert db.session.scalars(select(Payment.id)).all() == []


def test_another_members_account_is_refused(society):
    share = Intended(Purpose.SAVINGS_DEPOSIT, someone(1).account_id, kes(100))

    with pytest.raises(AccountNotFitting):
        in_transaction(lambda: PaymentService(OFFICER).prompt(society.member_id, phone=society.phone, intended=[share]))


def test_a_purpose_whose_room_is_not_built_is_refused_as_unknown(society):
    share = Intended(Purpose.LOAN_REPAYMENT, None, kes(100))

    with pytest.raises(PurposeUnknown):
        in_transaction(lambda: PaymentService(OFFICER).prompt(society.member_id, phone=society.phone, intended=[share]))


def test_two_officers_who_prompt_one_phone_at_once_make_one_prompt(committed_app, committed_society):
    start, made, refused = threading.Barrier(8), [], []

    def run():
        with committed_app.app_context():
            start.wait()
            try:
                made.append(prompt(committed_society.someone, phone=Phone.parse("0712 000 111")))
            except PromptOpen:
                refused.append(1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(made), len(refused)) == (1, 7)


def test_eight_workers_that_take_one_payment_send_it_once(committed_app, committed_society):
    with committed_app.app_context():
        payment_id = prompt(committed_society.someone)
    start, claimed = threading.Barrier(8), []

    def run():
        with committed_app.app_context():
            start.wait()
            claimed.append(claim(payment_id))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([call for call in claimed if call is not None]) == 1
    with committed_app.app_context():
        assert queries.get(payment_id).sendings == 1
