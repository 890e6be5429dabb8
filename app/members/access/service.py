"""Use cases around the payment phone and the PIN of a member.

A number becomes *verified* when a code that was sent to it comes back. The payment phone changes by a code to the new
number, or by two people of the society where the member cannot receive one; the old number is told either way, and no
money leaves for the new one for a day.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy.exc import IntegrityError

from app import audit
from app.identity.member_codes import one_time, pins
from app.identity.member_codes.one_time import Bound, Verdict
from app.identity.member_codes.rules import COOLING_OFF, About
from app.identity.service import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.phones import Phone
from app.members import queries, service
from app.members.access.errors import NoPhone, PhoneNotVerified, PhoneTaken
from app.members.models import Member, MemberPhone, PhonePurpose
from app.messaging import service as messaging

VERIFY, CHANGE = "members.verify_phone", "members.change_phone"
ENDING_DIGITS = 3  # of a number, so that a text names it without giving it away


def send_verification(member_id: UUID, *, by: Actor) -> Phone:
    """Text a code to the payment phone. Refuses with NoPhone and what sending a code refuses."""
    member = queries.get(member_id)
    authorise(by, "members.change_phone", whereabouts=member.whereabouts)
    phone = _phone_row(member_id).phone
    one_time.send(_to_verify(member_id, phone), phone, "phone_code", {}, language=member.language, by=by)
    return phone


def verify_phone(member_id: UUID, typed: str, *, by: Actor) -> Verdict:
    """Mark the payment phone as verified if the code is right. Saved whatever the verdict: a wrong try counts."""
    member = queries.get_for_update(member_id)
    authorise(by, "members.change_phone", whereabouts=member.whereabouts)
    row = _phone_row(member_id)
    verdict = one_time.check(_to_verify(member_id, row.phone), typed, by=by)
    if verdict.is_right:
        row.verified_at = clock.now()
        _record("members.phone_verified", member, by, {"verified": True})
    return verdict


def send_change(member_id: UUID, phone: Phone, *, by: Actor) -> None:
    """Text a code to the number that is to become the payment phone.

    Refuses with PhoneTaken and what sending a code refuses.
    """
    member = queries.get(member_id)
    authorise(by, "members.change_phone", whereabouts=member.whereabouts)
    check_free(member_id, phone)
    facts = {"ending": _ending(phone)}
    one_time.send(_to_change(member_id, phone), phone, "phone_change_code", facts, language=member.language, by=by)


def change_by_code(member_id: UUID, phone: Phone, typed: str, *, by: Actor) -> Verdict:
    """Make it the payment phone if the code that was sent there is right. Saved whatever the verdict.

    Refuses with PhoneTaken.
    """
    verdict = one_time.check(_to_change(member_id, phone), typed, by=by)
    if verdict.is_right:
        change_phone(member_id, phone, is_proved=True, by=by)
    return verdict


def change_phone(member_id: UUID, phone: Phone, *, is_proved: bool, by: Actor) -> None:
    """Make another number the payment phone, tell the old one, and let no money leave for the new one for a day.

    Refuses with PhoneTaken.
    """
    member = queries.get_for_update(member_id)
    authorise(by, "members.change_phone", whereabouts=member.whereabouts)
    check_free(member_id, phone)
    old = queries.payment_phone(member_id)
    row = _put(member, phone, by=by)
    instant = clock.now()
    row.verified_at = instant if is_proved else None
    row.money_out_from = instant + COOLING_OFF
    member.updated_at = instant
    facts = {"payment_phone": audit.CHANGED, "verified": is_proved, "money_out_from": row.money_out_from}
    _record("members.payment_phone_changed", member, by, facts)
    if old is not None:
        _tell_old(member, old, row)


def reset_pin(member_id: UUID, *, by: Actor) -> None:
    """Text the member a new PIN; the one before ends at once.

    Refuses with NoPhone, PhoneNotVerified and what texting refuses.
    """
    member = queries.get_for_update(member_id)
    authorise(by, "members.reset_pin", whereabouts=member.whereabouts)
    row = _phone_row(member_id)
    if row.verified_at is None:
        raise PhoneNotVerified
    pins.issue(member_id, row.phone, about=about(member_id), language=member.language, by=by)


def about(member_id: UUID) -> About:
    """What others may know of a member, and a PIN must not be."""
    member = queries.get(member_id)
    digits = [number.phone.msisdn for number in queries.phones(member_id)]
    return About(member.born_on, (*digits, member.national_id))


def money_out_from(member_id: UUID) -> datetime | None:
    """The moment before which no money may leave for this member: the phone or the PIN is new; None when it may."""
    row = queries.phone_in_use(member_id, PhonePurpose.PAYMENT)
    moments = [moment for moment in (row and row.money_out_from, pins.money_out_from(member_id)) if moment]
    latest = max(moments, default=None)
    return latest if latest and latest > clock.now() else None


def check_free(member_id: UUID, phone: Phone) -> None:
    """Refuse with PhoneTaken a number that somebody pays with already."""
    holder = queries.by_payment_phone(phone)
    if holder == member_id:
        raise PhoneTaken("This is the payment phone already.")
    if holder is not None:
        raise PhoneTaken("Another member pays with this number.", member_id=holder)


def _put(member: Member, phone: Phone, *, by: Actor) -> MemberPhone:
    try:
        with db.session.begin_nested():
            service.set_phone(member.id, PhonePurpose.PAYMENT, phone, by=by)
            db.session.flush()  # the database says whether somebody else was a moment faster
    except IntegrityError as error:
        constraint = error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
        if constraint != "uq_member_phone_payment_number_hash":
            raise
        raise PhoneTaken("Another member pays with this number.") from error
    return _phone_row(member.id)


def _phone_row(member_id: UUID) -> MemberPhone:
    row = queries.phone_in_use(member_id, PhonePurpose.PAYMENT)
    if row is None:
        raise NoPhone
    return row


def _tell_old(member: Member, old: Phone, new: MemberPhone) -> None:
    assert new.money_out_from is not None, "a new phone has its cooling-off"
    messaging.queue_sms(
        old,
        "phone_changed",
        {"ending": _ending(new.phone), "at": new.money_out_from},
        language=member.language,
        cause=("member_phone", str(new.id)),
        member_id=member.id,
    )


def _to_verify(member_id: UUID, phone: Phone) -> Bound:
    return Bound(VERIFY, ("member", member_id), {"phone": phone.msisdn})


def _to_change(member_id: UUID, phone: Phone) -> Bound:
    return Bound(CHANGE, ("member", member_id), {"phone": phone.msisdn})


def _ending(phone: Phone) -> str:
    return phone.msisdn[-ENDING_DIGITS:]


def _record(action: str, member: Member, by: Actor, after: dict[str, object]) -> None:
    audit.record(action, subject=("member", member.id), by=by, after=after, branch_id=member.branch_id)
