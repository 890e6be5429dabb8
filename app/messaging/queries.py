"""Reading the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from app.kernel import clock
from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.leases import is_due
from app.kernel.paging import Page, keyset
from app.kernel.phones import Phone
from app.messaging.errors import MessageMissing
from app.messaging.models import SmsMessage
from app.messaging.schemas import MessageFilter
from app.messaging.states import SmsState

REPORT_REACHES_BACK = timedelta(days=2)  # delivery reports come within hours


def get(message_id: UUID) -> SmsMessage:
    """One text. Refuses with MessageMissing."""
    message = db.session.get(SmsMessage, message_id)
    if message is None:
        raise MessageMissing
    return message


def addressee(message_id: UUID) -> Row[UUID | None] | None:
    """To which member a text went, if it was one (``member_id``); None if there is no such text."""
    return db.session.execute(select(SmsMessage.member_id).where(SmsMessage.id == message_id)).one_or_none()


def listed(wanted: MessageFilter, *, of_members: Select[UUID] | None = None) -> Page[SmsMessage]:
    """Texts that the filter lets through, newest first; with ``of_members`` (ids) only those that went to them."""
    query = select(SmsMessage)
    if of_members is not None:
        query = query.where(SmsMessage.member_id.in_(of_members))
    if wanted.state:
        query = query.where(SmsMessage.state == wanted.state)
    if wanted.template:
        query = query.where(SmsMessage.template == wanted.template)
    if wanted.since:
        query = query.where(SmsMessage.created_at >= _midnight(wanted.since))
    if wanted.until:
        query = query.where(SmsMessage.created_at < _midnight(wanted.until + timedelta(days=1)))
    return keyset(query, by=(SmsMessage.created_at, SmsMessage.id), after=wanted.after)


def for_cause(cause_type: str, cause_id: str) -> Sequence[SmsMessage]:
    """What was texted because of one event, in order."""
    return db.session.scalars(
        select(SmsMessage)
        .where(SmsMessage.cause_type == cause_type, SmsMessage.cause_id == cause_id)
        .order_by(SmsMessage.id)
    ).all()


def due() -> Sequence[UUID]:
    """Texts that want sending, and those that a dead worker left in the middle."""
    return db.session.scalars(select(SmsMessage.id).where(is_due(SmsMessage)).order_by(SmsMessage.due_at)).all()


def hold(*, other_than: UUID | None = None) -> SmsMessage | None:
    """The text for which our account with the provider was last refused, while nothing else is to be sent.

    Its ``detail`` says what a person must put right.
    """
    query = select(SmsMessage).where(SmsMessage.is_held, SmsMessage.due_at > clock.now())
    if other_than is not None:
        query = query.where(SmsMessage.id != other_than)
    return db.session.scalar(query.order_by(SmsMessage.due_at.desc()).limit(1))


def for_provider_id(number: str) -> SmsMessage | None:
    """The text that the provider knows by this number, locked."""
    return db.session.scalar(
        select(SmsMessage)
        .where(SmsMessage.provider_message_id == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def open_without_number(phone: Phone) -> Sequence[SmsMessage]:
    """Recent texts to a phone that may have been sent though we were told no number for them, locked."""
    return db.session.scalars(
        select(SmsMessage)
        .where(
            SmsMessage.phone_hash == keyed_hash("phone", phone.msisdn),
            SmsMessage.created_at > clock.now() - REPORT_REACHES_BACK,
            SmsMessage.state.in_([SmsState.SENDING, SmsState.UNKNOWN]),
            SmsMessage.provider_message_id.is_(None),
        )
        .order_by(SmsMessage.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def texted_today(phone_hash: bytes, *, apart_from: Sequence[str]) -> int:
    """How many texts a phone was sent since midnight, but for some kinds."""
    counted = select(func.count()).where(
        SmsMessage.phone_hash == phone_hash,
        SmsMessage.created_at >= _midnight(clock.today_eat()),
        SmsMessage.template.not_in(apart_from),
    )
    return db.session.scalar(counted) or 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, clock.EAT)
