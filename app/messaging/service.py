"""Use cases: put a text in the outbox, claim it, write down what the provider said, take in delivery reports.

A text is a row of the transaction that stores the event it tells of, so a member is never told what was not saved.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.kernel import clock
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.encryption import keyed_hash
from app.kernel.leases import LeaseLost, claim, done
from app.kernel.phones import Phone
from app.messaging import gsm, queries, rules, texts, wording
from app.messaging.answers import Answer, Outcome
from app.messaging.errors import TooManyTexts
from app.messaging.models import SmsDeliveryReport, SmsMessage
from app.messaging.provider import sms_provider
from app.messaging.schemas import DeliveryReport
from app.messaging.states import SmsState
from app.messaging.texts import Language

log = logging.getLogger(__name__)

LEASE_SECONDS = 90  # longer than the client waits for the provider
REPORTS_KEPT = timedelta(days=7)  # of message numbers that never became ours


@dataclass(frozen=True, slots=True)
class Sending:
    """One claimed text, as plain values: what is sent after the transaction."""

    id: UUID
    fence: int
    phone: Phone
    text: str


def queue_sms(
    phone: Phone,
    template: str,
    facts: Mapping[str, texts.Fact],
    *,
    language: str,
    cause: tuple[str, str],
    member_id: UUID | None = None,
) -> UUID | None:
    """Put a text in the outbox, to leave after the caller's transaction is saved.

    The same event (``cause``: type and id) never sends the same text twice. None when it was there before, and while
    SMS is off: a text that waits for months would only confuse. ``member_id`` says to whom it goes: staff of another
    branch do not see it. Refuses with TooManyTexts: a phone gets so many texts a day, apart from those that go with
    money.
    """
    if sms_provider() is None:
        return None
    spoken, kind = Language(language), texts.TEMPLATES[template]
    said = wording.words(template, spoken)
    words = texts.compose(template, facts, language=spoken, words=said)
    instant = clock.now()
    if not kind.goes_with_money and (refusal := _beyond_the_day(phone)):
        if kind.secrets:
            raise refusal
        log.warning("a phone has had its texts of today; one more is not sent", extra={"template": template})
        return None
    fresh = db.session.scalar(
        insert(SmsMessage)
        .values(
            phone=phone,
            phone_hash=keyed_hash("phone", phone.msisdn),
            text=texts.compose(template, texts.masked(template, facts), language=spoken, words=said),
            secret_text=words if kind.secrets else None,
            template=template,
            language=spoken,
            parts=gsm.measure(words).parts,
            cause_type=cause[0],
            cause_id=cause[1],
            member_id=member_id,
            state=SmsState.QUEUED,
            useful_until=instant + texts.TEMPLATES[template].useful_for,
            due_at=instant,
        )
        .on_conflict_do_nothing(index_elements=["cause_type", "cause_id", "template"])
        .returning(SmsMessage.id)
    )
    if fresh is not None:
        ring("messaging.send", fresh)
    return fresh


def _beyond_the_day(phone: Phone) -> TooManyTexts | None:
    """Why this phone gets no more texts today; None while it may. Counted one by one, however many come at once."""
    key = keyed_hash("phone", phone.msisdn)
    db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(key[:8], signed=True))))
    texted = queries.texted_today(
        key, apart_from=[name for name, kind in texts.TEMPLATES.items() if kind.goes_with_money]
    )
    if texted < rules.TEXTS_A_DAY:
        return None
    midnight = clock.eat(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return TooManyTexts(int((midnight - clock.now()).total_seconds()) + 1)


def claim_for_sending(message_id: UUID) -> Sending | None:
    """Take a text for one attempt; None when there is nothing to send.

    One that is found in *sending* was left by a worker that died: it may have reached the member, so it becomes
    *unknown* and is not sent again.
    """
    message = claim(SmsMessage, message_id, seconds=LEASE_SECONDS)
    if message is None:
        return None
    instant = clock.now()
    if message.state is SmsState.SENDING:
        message.move_to(SmsState.UNKNOWN, at=instant, detail="Sending was cut off. It is not sent again.")
        done(message)
        return None
    if instant > message.useful_until:
        message.move_to(SmsState.FAILED, at=instant, detail=message.detail or "Not sent: it would have come too late")
        done(message)
        return None
    hold = queries.hold(other_than=message.id)
    if hold is not None:  # one text tries for all while our account with the provider is not in order
        message.is_held, message.detail = True, hold.detail
        done(message, next_at=hold.due_at)
        return None
    message.move_to(SmsState.SENDING, at=instant)
    message.attempts += 1
    message.is_held = False
    return Sending(message.id, message.fence, message.phone, message.secret_text or message.text)


def record_answer(message_id: UUID, answer: Answer, *, fence: int) -> None:
    """Write down what came of an attempt. Raises LeaseLost when the text is no longer this attempt's.

    Except that a late yes still counts for a text that was given up as *unknown*: nobody else has tried since.
    """
    if answer.message_id is not None:
        _lock_number(answer.message_id)
    message = db.session.get(SmsMessage, message_id, with_for_update=True, populate_existing=True)
    assert message is not None, "texts are never deleted"
    is_ours = message.state is SmsState.SENDING and message.fence == fence
    is_late_yes = message.state is SmsState.UNKNOWN and answer.outcome is Outcome.ACCEPTED
    if not (is_ours or is_late_yes):
        raise LeaseLost(f"text {message_id}")

    instant = clock.now()
    step = rules.after(answer, attempts=message.attempts, at=instant, useful_until=message.useful_until)
    message.move_to(step.state, at=instant, detail=step.detail)
    message.is_held = step.is_held
    message.provider_code = answer.code
    message.provider_message_id = answer.message_id
    message.cost, message.cost_currency = answer.cost, answer.cost_currency
    done(message, next_at=step.due_at)

    if step.is_held:
        log.error("texts are held: %s", answer.detail, extra={"code": answer.code})
    elif step.state is SmsState.SENT:
        _let_held_go()
        _take_up_early_report(message)


def record_report(report: DeliveryReport) -> bool:
    """Take in a delivery report: only forward, the first final word wins, repeats change nothing.

    A report may overtake the answer that tells us the message's number; it is kept until then. One for a number that
    we were never told settles the only *unknown* text to that phone. True if a text was moved.
    """
    told = rules.read_report(report.status, report.failure_reason)
    if told is None:
        log.warning("a delivery report says what we do not know", extra={"status": report.status})
        return False
    _lock_number(report.id)
    message = queries.for_provider_id(report.id) or _the_only_unknown(report)
    if message is None:
        _keep_for_later(report.id, *told)
        return False
    return _apply(message, *told)


def delivery_secret() -> str:
    """The secret part of the address for delivery reports: 32 hex digits that only this society's key makes."""
    return keyed_hash("sms-delivery-address", "africastalking")[:16].hex()


def is_delivery_secret(text: str) -> bool:
    """Compare without telling by the time it takes."""
    return hmac.compare_digest(text.encode(), delivery_secret().encode())


def forget_old_reports() -> None:
    """Reports of numbers that never became ours are of no use to anybody."""
    db.session.execute(delete(SmsDeliveryReport).where(SmsDeliveryReport.received_at < clock.now() - REPORTS_KEPT))


def _let_held_go() -> None:
    """One text got through: what was held because of our account may follow at once."""
    db.session.execute(
        update(SmsMessage).where(SmsMessage.is_held).values(is_held=False, due_at=clock.now()),
        execution_options={"synchronize_session": False},
    )


def _take_up_early_report(message: SmsMessage) -> None:
    report = db.session.get(SmsDeliveryReport, message.provider_message_id, populate_existing=True)
    if report is not None:
        _apply(message, report.state, report.detail)
        db.session.delete(report)


def _the_only_unknown(report: DeliveryReport) -> SmsMessage | None:
    """The text that a report with a number we were never told can only be about."""
    candidates = queries.open_without_number(report.phone) if report.phone else []
    if len(candidates) != 1 or candidates[0].state is not SmsState.UNKNOWN:
        return None
    candidates[0].provider_message_id = report.id
    return candidates[0]


def _apply(message: SmsMessage, state: SmsState, detail: str | None) -> bool:
    if message.state is state or message.state.is_final:
        return False
    if state is SmsState.SENT and message.state is not SmsState.UNKNOWN:
        return False
    message.move_to(state, at=clock.now(), detail=detail)
    return True


def _keep_for_later(number: str, state: SmsState, detail: str | None) -> None:
    """Remember an early report; a final word is not replaced."""
    row = insert(SmsDeliveryReport).values(
        provider_message_id=number, state=state, detail=detail, received_at=clock.now()
    )
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["provider_message_id"],
            set_={"state": row.excluded.state, "detail": row.excluded.detail},
            where=SmsDeliveryReport.state == SmsState.SENT,
        )
    )


def _lock_number(number: str) -> None:
    """Answer and report of one message number wait for each other, so that neither misses the other.

    Taken before the text itself is locked, by both.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(number, 0))))
