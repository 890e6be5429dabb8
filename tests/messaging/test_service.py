"""The outbox: written with the event, sent once, and honest about what became of it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app.kernel import clock as kernel_clock
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.messaging import jobs, queries, rules, service
from app.messaging.models import SmsDeliveryReport, SmsMessage
from app.messaging.schemas import DeliveryReport
from app.messaging.states import SmsState
from tests.messaging.conftest import (
    ACCEPTED,
    HOLD,
    OTHER_PHONE,
    PHONE,
    REFUSED,
    RETRY,
    UNKNOWN,
    accepted,
    provided,
    queue,
    send,
)

pytestmark = pytest.mark.usefixtures("app")


def report(status, *, number="ATXid_1", phone=PHONE, reason=None):
    """A delivery report, taken in."""
    fields = {"id": number, "status": status, "phoneNumber": phone.e164, "failureReason": reason}
    told = DeliveryReport.model_validate({name: value for name, value in fields.items() if value is not None})
    return in_transaction(lambda: service.record_report(told))


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_text_waits_in_the_outbox_and_is_then_sent(provider):
    message_id = queue()
    assert queries.get(message_id).state is SmsState.QUEUED

    message = send(message_id)

    assert provider.sent == [(PHONE, message.text)]
    assert (message.state, message.attempts, message.due_at) == (SmsState.SENT, 1, None)
    assert (message.cost_currency, str(message.cost)) == ("KES", "0.8000")


def test_the_same_event_never_texts_twice(provider):
    first = queue(cause=("payment", "1"))

    assert queue(cause=("payment", "1")) is None
    assert queue(cause=("payment", "1"), template="payment_prompt") is not None
    assert queries.for_cause("payment", "1")[0].id == first


def test_a_text_is_gone_when_its_event_was_not_saved(provider):
    def fails():
        service.queue_sms(PHONE, "member_welcome", {"name": "A", "number": "M1"}, language="sw", cause=("member", "1"))
        raise RuntimeError("the credit failed")

    with pytest.raises(RuntimeError):
        in_transaction(fails)

    assert count(SmsMessage) == 0


def test_nothing_is_written_while_sms_is_off(app):
    with provided(app, None):
        assert queue() is None
        assert list(jobs.due_messages()) == []
    assert count(SmsMessage) == 0


def test_phone_and_text_are_not_readable_in_the_database(provider):
    queue()
    db.session.flush()

    stored = db.session.execute(text("SELECT phone, text, phone_hash FROM sms_message")).one()

    assert not any(b"254711" in bytes(value) or b"Amina" in bytes(value) for value in stored)


def test_ringing_twice_sends_once(provider):
    message_id = queue()

    send(message_id)
    send(message_id)

    assert len(provider.sent) == 1


def test_what_may_have_been_sent_is_not_sent_again(provider, clock):
    provider.answers = [UNKNOWN]
    message_id = queue()

    assert send(message_id).state is SmsState.UNKNOWN
    clock.forward(days=1)
    assert send(message_id).state is SmsState.UNKNOWN

    assert len(provider.sent) == 1
    assert list(jobs.due_messages()) == []


def test_a_refused_text_fails_with_its_reason(provider):
    provider.answers = [REFUSED]

    message = send(queue())

    assert (message.state, message.detail) == (SmsState.FAILED, "The number is not valid")


def test_a_definite_refusal_is_tried_again_with_growing_pauses_and_then_given_up(provider, clock):
    provider.answers = [RETRY] * 10
    clock.set(kernel_clock.now())
    message_id = queue()

    for pause in rules.RETRY_PAUSES:
        assert send(message_id).state is SmsState.QUEUED
        assert list(jobs.due_messages()) == []
        clock.forward(seconds=pause.total_seconds())
        assert list(jobs.due_messages()) == [("messaging.send", (message_id,))]
    message = send(message_id)

    assert message.state is SmsState.FAILED
    assert len(provider.sent) == len(rules.RETRY_PAUSES) + 1


def test_a_prompt_that_comes_too_late_is_not_sent(provider, clock):
    clock.set(kernel_clock.now())
    message_id = queue(template="payment_prompt")
    clock.forward(minutes=4)

    message = send(message_id)

    assert (message.state, message.detail) == (SmsState.FAILED, "Not sent: it would have come too late")
    assert provider.sent == []


def test_one_text_tries_for_all_while_our_account_is_not_in_order(provider, clock):
    clock.set(kernel_clock.now())
    provider.answers = [HOLD, HOLD]
    first, second, third = queue(), queue(), queue()

    assert send(first).is_held
    assert send(second).state is SmsState.QUEUED
    assert len(provider.sent) == 1
    assert queries.hold().detail == "The SMS account has run out of credit"

    clock.forward(seconds=rules.HOLD_PAUSE.total_seconds())
    assert send(second).is_held
    assert send(first).state is SmsState.QUEUED
    assert len(provider.sent) == 2

    clock.forward(seconds=rules.HOLD_PAUSE.total_seconds())
    assert send(first).state is SmsState.SENT
    assert {name_and_id[1][0] for name_and_id in jobs.due_messages()} == {second, third}
    assert queries.hold() is None


def test_a_worker_that_died_leaves_a_text_uncertain_not_repeated(provider, clock):
    clock.set(kernel_clock.now())
    message_id = queue()
    assert in_transaction(lambda: service.claim_for_sending(message_id)) is not None
    assert list(jobs.due_messages()) == []

    clock.forward(seconds=service.LEASE_SECONDS + 1)
    assert list(jobs.due_messages()) == [("messaging.send", (message_id,))]
    message = send(message_id)

    assert (message.state, message.detail) == (SmsState.UNKNOWN, "Sending was cut off. It is not sent again.")
    assert provider.sent == []


def test_a_late_yes_still_counts_and_a_late_no_does_not(provider, clock):
    clock.set(kernel_clock.now())
    yes, no = queue(), queue()
    fences = {row: in_transaction(lambda row=row: service.claim_for_sending(row)).fence for row in (yes, no)}
    clock.forward(seconds=service.LEASE_SECONDS + 1)
    send(yes)
    send(no)

    in_transaction(lambda: service.record_answer(yes, ACCEPTED, fence=fences[yes]))
    with pytest.raises(service.LeaseLost):
        in_transaction(lambda: service.record_answer(no, RETRY, fence=fences[no]))

    assert queries.get(yes).state is SmsState.SENT
    assert queries.get(no).state is SmsState.UNKNOWN


def test_delivery_moves_forward_only_and_the_first_final_word_wins(provider):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    moved = [report(status) for status in ("Submitted", "Sent", "Success", "Success", "Failed", "Buffered")]

    message = queries.get(message_id)
    assert moved == [False, False, True, False, False, False]
    assert (message.state, message.detail) == (SmsState.DELIVERED, None)
    assert message.ended_at is not None


def test_a_failed_delivery_says_why(provider):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    report("Failed", reason="UserInBlackList")

    assert queries.get(message_id).detail == "The member has blocked our texts"


def test_a_report_that_overtakes_the_answer_is_kept_for_it(provider):
    message_id = queue()
    claimed = in_transaction(lambda: service.claim_for_sending(message_id))

    assert report("Success") is False
    assert report("Sent") is False
    in_transaction(lambda: service.record_answer(message_id, ACCEPTED, fence=claimed.fence))

    assert queries.get(message_id).state is SmsState.DELIVERED
    assert count(SmsDeliveryReport) == 0


def test_a_report_settles_the_only_uncertain_text_to_its_phone(provider):
    provider.answers = [UNKNOWN]
    message_id = queue()
    send(message_id)

    assert report("Success", number="ATXid_9") is True

    message = queries.get(message_id)
    assert (message.state, message.provider_message_id) == (SmsState.DELIVERED, "ATXid_9")


def test_a_report_that_could_be_about_two_texts_settles_neither(provider):
    provider.answers = [UNKNOWN, UNKNOWN, UNKNOWN]
    two = [queue(), queue()]
    elsewhere = queue(phone=OTHER_PHONE)
    for message_id in (*two, elsewhere):
        send(message_id)

    assert report("Success", number="ATXid_9") is False

    assert {queries.get(message_id).state for message_id in (*two, elsewhere)} == {SmsState.UNKNOWN}


def test_a_report_that_says_nothing_known_changes_nothing(provider):
    provider.answers = [ACCEPTED]
    message_id = queue()
    send(message_id)

    assert report("Enlightened") is False
    assert queries.get(message_id).state is SmsState.SENT


def test_old_reports_of_foreign_texts_are_forgotten(clock):
    clock.set(kernel_clock.now())
    report("Success", number="ATXid_foreign")
    clock.forward(seconds=service.REPORTS_KEPT.total_seconds() + 1)

    jobs.forget_old_reports()

    assert count(SmsDeliveryReport) == 0


def test_useful_times_are_kept_in_the_row(provider):
    message = queries.get(queue(template="payment_prompt"))

    assert message.useful_until - message.due_at == timedelta(minutes=3)


def test_two_texts_of_one_provider_number_cannot_be(provider):
    provider.answers = [accepted("ATXid_same"), accepted("ATXid_same")]
    send(queue())

    with pytest.raises(Exception, match="uq_sms_message_provider_message_id"):
        send(queue())
