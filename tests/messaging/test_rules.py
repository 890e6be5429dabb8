"""What follows from answers and reports, and which moves a text may make."""

from datetime import UTC, datetime, timedelta

import pytest

from app.messaging import rules
from app.messaging.answers import Answer, Outcome
from app.messaging.models import SmsMessage
from app.messaging.states import SMS_MOVES, SmsState

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=2)


def after(outcome, *, attempts=1, useful_until=LATER):
    return rules.after(Answer(outcome, "Why"), attempts=attempts, at=NOW, useful_until=useful_until)


def test_an_accepted_text_is_sent():
    assert after(Outcome.ACCEPTED) == rules.Next(SmsState.SENT)


def test_what_may_have_been_sent_is_never_due_again():
    assert after(Outcome.UNKNOWN) == rules.Next(SmsState.UNKNOWN, "Why. It is not sent again.")


def test_a_refused_text_ends():
    assert after(Outcome.REFUSED) == rules.Next(SmsState.FAILED, "Why")


def test_pauses_grow_and_attempts_end():
    steps = [after(Outcome.RETRY, attempts=n) for n in range(1, 7)]

    pauses = [step.due_at - NOW for step in steps[:5]]
    assert pauses == sorted(pauses) and pauses[0] >= timedelta(seconds=30)
    assert {step.state for step in steps[:5]} == {SmsState.QUEUED}
    assert steps[5] == rules.Next(SmsState.FAILED, "Why. Given up after 6 attempts.")


def test_a_text_is_not_tried_when_it_would_come_too_late():
    step = after(Outcome.RETRY, useful_until=NOW + timedelta(seconds=29))

    assert step.state is SmsState.FAILED


def test_trouble_with_our_account_holds_the_text():
    assert after(Outcome.HOLD, attempts=40) == rules.Next(
        SmsState.QUEUED, "Why", due_at=NOW + rules.HOLD_PAUSE, is_held=True
    )


@pytest.mark.parametrize("source", SmsState)
@pytest.mark.parametrize("target", SmsState)
def test_only_the_table_moves_a_text(source, target):
    message = SmsMessage(state=source)

    if target in SMS_MOVES[source]:
        message.move_to(target, at=NOW)
        assert message.state is target
        assert (message.ended_at == NOW) is target.is_final
    else:
        with pytest.raises(AssertionError):
            message.move_to(target, at=NOW)


def test_nothing_that_may_have_reached_the_member_goes_back_to_the_queue_but_a_definite_refusal():
    back = {state for state in SmsState if SmsState.QUEUED in SMS_MOVES[state]}

    assert back == {SmsState.SENDING}


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ("Sent", None, (SmsState.SENT, None)),
        ("Submitted", "", (SmsState.SENT, None)),
        ("Success", None, (SmsState.DELIVERED, None)),
        ("Failed", "UserInBlackList", (SmsState.FAILED, "The member has blocked our texts")),
        ("Failed", "UserInBlacklist", (SmsState.FAILED, "The member has blocked our texts")),
        ("Rejected", "Whatever", (SmsState.FAILED, "The mobile network rejected it")),
        ("AbsentSubscriber", None, (SmsState.FAILED, "The phone could not be reached")),
        ("Expired", None, (SmsState.FAILED, "The phone could not be reached in time")),
        ("Enlightened", None, None),
    ],
)
def test_a_report_is_read(status, reason, told):
    assert rules.read_report(status, reason) == told
