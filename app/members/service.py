"""Changing the register: registering a member, editing, a change of status, a phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app import audit
from app.identity import queries as identity
from app.identity.service import authorise
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.announcements import announce
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.phones import Phone
from app.kernel.reach import Reach, Whereabouts, Within
from app.ledger import queries as ledger
from app.members import followers, queries, rules
from app.members.errors import AlreadyRegistered, MoveRefused, NotClear, StaleEdit
from app.members.models import Member, MemberPhone, MemberStatusChange, NextOfKin, PhonePurpose
from app.members.schemas import KIN, KinRow, MemberDetails, MemberEdit, StatusChange
from app.members.states import MemberStatus, may_move
from app.messaging import service as messaging

# Which unique index speaks of which field: two officers may register the same person at the same moment, and then the
# database is the one to say so.
_TAKEN = {
    "uq_member_national_id_hash": "national_id",
    "uq_member_kra_pin_hash": "kra_pin",
    "uq_member_phone_payment_number_hash": "payment_phone",
}

_PLAIN_FIELDS = (
    "first_name", "middle_name", "last_name", "born_on", "gender", "language", "branch_id", "officer_id", "agent_id",
    "employer",
)  # fmt: skip
_HIDDEN_FIELDS = ("national_id", "kra_pin", "payment_phone", "contact_phone", KIN)


def register(details: MemberDetails, *, on: date, by: Actor) -> UUID:
    """Enter a person in the register of members, as an active member.

    Whoever may register only members that he looks after himself becomes the one who does. Refuses with Invalid (age,
    nominees' shares, another branch) and AlreadyRegistered.
    """
    within = authorise(by, "members.register")
    if within.reach is Reach.OWN:
        details = details.model_copy(update={"agent_id": within.staff_id})
    _check(details, on=on, member_id=None)
    _check_place(details, within)
    member = Member(
        **_columns(details),
        joined_on=on,
        status=MemberStatus.ACTIVE,
        former_membership_id=queries.former_membership(details.national_id),
        updated_at=clock.now(),
    )
    _save(member, details, by=by)
    _add_status(member, None, "Registered", on=on, by=by)
    _, values = audit.differences({}, _values(details), hidden=_HIDDEN_FIELDS)
    audit.record("members.registered", subject=("member", member.id), by=by, after=values, branch_id=member.branch_id)
    announce("member.registered", subject=("member", member.id), facts=_facts(member))
    followers.joined(member.id, on, by)
    _welcome(member, details.payment_phone)
    return member.id


def edit(member_id: UUID, details: MemberEdit, *, on: date, by: Actor) -> None:
    """Correct what the register says about a member; who moves to another branch takes the accounts along.

    The payment phone stays: it changes by a code to the new number (`access`). Refuses with MemberMissing, StaleEdit,
    Invalid and AlreadyRegistered.
    """
    member = queries.get_for_update(member_id)
    within = authorise(by, "members.edit", whereabouts=member.whereabouts)
    _check_version(member, details.version)
    details = _with_standing_phone(member_id, details)
    _check(details, on=on, member_id=member_id)
    _check_place(details, within, was=member.whereabouts)
    was, now = audit.differences(_standing_values(member), _values(details), hidden=_HIDDEN_FIELDS)
    if not now:
        return
    if details.branch_id != member.branch_id:
        followers.move_to_branch(member_id, details.branch_id, by)
    for name, value in _columns(details).items():
        setattr(member, name, value)
    member.updated_at = clock.now()  # so that a change of phones or nominees alone makes a new version, too
    _save(member, details, by=by)
    audit.record(
        "members.edited", subject=("member", member.id), by=by, before=was, after=now, branch_id=member.branch_id
    )


def change_status(member_id: UUID, change: StatusChange, *, on: date, by: Actor) -> None:
    """Move a member to another status, with a reason that stays in the history.

    Refuses with MemberMissing, StaleEdit, MoveRefused, and with NotClear when who leaves still holds something.
    """
    member = queries.get_for_update(member_id)
    authorise(by, "members.change_status", whereabouts=member.whereabouts)
    _check_version(member, change.version)
    if not may_move(member.status, change.status):
        raise MoveRefused(member.status, change.status)
    if change.status is MemberStatus.EXITED and (reasons := followers.in_the_way_of_leaving(member_id)):
        raise NotClear(reasons)
    before, member.status = member.status, change.status
    member.updated_at = clock.now()
    _add_status(member, before, change.reason, on=on, by=by)
    audit.record(
        "members.status_changed",
        subject=("member", member.id),
        by=by,
        before={"status": before},
        after={"status": change.status, "reason": change.reason},
        branch_id=member.branch_id,
    )
    announce("member.status_changed", subject=("member", member.id), facts=_facts(member))


def phone_row(member_id: UUID, purpose: PhonePurpose, phone: Phone, *, by: str) -> dict[str, Any]:
    """The columns of a phone with every hash by which it is found."""
    return {
        "member_id": member_id,
        "purpose": purpose,
        "phone": phone,
        "number_hash": queries.number_hash(phone),
        "last_four_hash": queries.phone_end_hash(phone.msisdn[-4:]),
        "last_six_hash": queries.phone_end_hash(phone.msisdn[-6:]),
        "digest_hash": queries.digest_hash(queries.digest_of(phone)),
        "created_by": by,
    }


def _facts(member: Member) -> dict[str, Any]:
    """What other programs are told of a member: nothing about the person."""
    return {"member_id": str(member.id), "member_number": member.number, "status": member.status.value}


def _check(details: MemberDetails, *, on: date, member_id: UUID | None) -> None:
    """Refuse what cannot be entered. The unique indexes say the same again, for two who enter it at one moment."""
    errors: dict[str, str] = {}
    if sentence := rules.why_not_born_on(details.born_on, on=on):
        errors["born_on"] = sentence
    if sentence := rules.why_not_shares([kin.share_percent for kin in details.next_of_kin]):
        errors[f"{KIN}.0.share_percent"] = sentence
    if details.branch_id not in {branch.id for branch in ledger.branches()}:
        errors["branch_id"] = "Choose one of the branches."
    if details.contact_phone and details.contact_phone == details.payment_phone:
        errors["contact_phone"] = "This is the payment phone. Leave it empty or enter another number."
    if errors:
        raise Invalid(errors)
    for field in _TAKEN.values():
        holder = _holder(field, details)
        if holder and holder != member_id:
            raise AlreadyRegistered(field, member_id=holder)


def _with_standing_phone(member_id: UUID, details: MemberEdit) -> MemberEdit:
    """The same with the payment phone that stands. Refuses with Invalid to change it in passing."""
    standing = queries.payment_phone(member_id)
    if details.payment_phone not in (None, standing):
        raise Invalid({"payment_phone": "The payment phone is changed on a page of its own, by a code sent there."})
    return details.model_copy(update={"payment_phone": standing})


def _check_place(details: MemberDetails, within: Within, *, was: Whereabouts | None = None) -> None:
    """Refuse to put a member where whoever acts does not reach: a branch, an officer or an agent of others.

    Only whoever works for the whole society moves a member to another branch: it takes the money along.
    """
    if within.is_everywhere:
        return
    errors: dict[str, str] = {}
    if details.branch_id != (was.branch_id if was else within.branch_id):
        errors["branch_id"] = "Only somebody who works for the whole society can choose another branch."
    chosen = {"officer_id": details.officer_id, "agent_id": details.agent_id}
    stays = {was.officer_id, was.agent_id} if was else set()
    for field, staff_id in chosen.items():
        place = identity.whereabouts(staff_id) if staff_id and staff_id not in stays else None
        if place and place.branch_id != within.branch_id:
            errors[field] = "Choose somebody who works at your branch."
    if errors:
        raise Invalid(errors)


def _check_version(member: Member, version: int) -> None:
    if member.version != version:
        raise StaleEdit


def _save(member: Member, details: MemberDetails, *, by: Actor) -> None:
    """Write the member with phones and nominees.

    Refuses with AlreadyRegistered when somebody else was a moment faster with the same number, and with Invalid when
    the officer does not exist.
    """
    try:
        with db.session.begin_nested():
            db.session.add(member)
            db.session.flush()  # the rows below need the member's id
            set_phone(member.id, PhonePurpose.PAYMENT, details.payment_phone, by=by)
            set_phone(member.id, PhonePurpose.CONTACT, details.contact_phone, by=by)
            _set_next_of_kin(member.id, details.next_of_kin, by=by)
    except IntegrityError as error:
        raise _refusal(error, details) from error


def _refusal(error: IntegrityError, details: MemberDetails) -> Exception:
    """What a broken constraint stands for; one that is not named here is our own mistake."""
    constraint = error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
    if constraint in ("fk_member_officer_id", "fk_member_agent_id"):
        return Invalid({constraint.removeprefix("fk_member_"): "Choose somebody who works here."})
    field = _TAKEN.get(constraint or "")
    holder = _holder(field, details) if field else None
    return AlreadyRegistered(field, member_id=holder) if field and holder else error


def _holder(field: str, details: MemberDetails) -> UUID | None:
    """Whose national ID, KRA PIN or payment phone it is that was typed."""
    match field:
        case "national_id":
            return queries.holder_of_national_id(details.national_id)
        case "kra_pin":
            return queries.holder_of_kra_pin(details.kra_pin) if details.kra_pin else None
        case _:
            return queries.by_payment_phone(details.payment_phone) if details.payment_phone else None


def set_phone(member_id: UUID, purpose: PhonePurpose, phone: Phone | None, *, by: Actor) -> None:
    """Have this number, or none, for this purpose; one that is no longer used is ended and stays in the history."""
    current = queries.phone_in_use(member_id, purpose)
    if current and current.phone == phone:
        return
    if current:
        current.ended_at, current.ended_by = clock.now(), by.principal
        db.session.flush()  # one number per purpose: the old one must be gone before the new one comes
    if phone:
        db.session.add(MemberPhone(**phone_row(member_id, purpose, phone, by=by.principal)))


def _set_next_of_kin(member_id: UUID, rows: Sequence[KinRow], *, by: Actor) -> None:
    """Have these nominees; when anything differs the old list is ended as a whole, so its shares stay readable."""
    standing = queries.next_of_kin(member_id)
    if [_kin_values(kin) for kin in standing] == [_kin_values(row) for row in rows]:
        return
    db.session.execute(
        update(NextOfKin)
        .where(NextOfKin.member_id == member_id, NextOfKin.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_by=by.principal)
    )
    db.session.add_all(
        NextOfKin(member_id=member_id, position=place, created_by=by.principal, **_kin_values(row))
        for place, row in enumerate(rows)
    )


def _kin_values(kin: KinRow | NextOfKin) -> dict[str, Any]:
    return {name: getattr(kin, name) for name in ("name", "relationship", "phone", "share_percent")}


def _columns(details: MemberDetails) -> dict[str, Any]:
    return {
        **{name: getattr(details, name) for name in _PLAIN_FIELDS},
        "national_id": details.national_id,
        "national_id_hash": queries.national_id_hash(details.national_id),
        "kra_pin": details.kra_pin,
        "kra_pin_hash": queries.kra_pin_hash(details.kra_pin) if details.kra_pin else None,
    }


def _values(details: MemberDetails) -> dict[str, Any]:
    """What was typed, by field, to compare with what stood there."""
    fields = (*_PLAIN_FIELDS, "national_id", "kra_pin", "payment_phone", "contact_phone")
    kin = [_kin_values(row) for row in details.next_of_kin]
    return {**{name: getattr(details, name) for name in fields}, KIN: kin}


def _standing_values(member: Member) -> dict[str, Any]:
    """What stands in the register now, by the same fields."""
    in_use = {number.purpose: number.phone for number in queries.phones(member.id)}
    return {
        **{name: getattr(member, name) for name in (*_PLAIN_FIELDS, "national_id", "kra_pin")},
        "payment_phone": in_use.get(PhonePurpose.PAYMENT),
        "contact_phone": in_use.get(PhonePurpose.CONTACT),
        KIN: [_kin_values(kin) for kin in queries.next_of_kin(member.id)],
    }


def _welcome(member: Member, phone: Phone) -> None:
    """Tell a new member the number to pay with; the text leaves once the membership is saved."""
    messaging.queue_sms(
        phone,
        "member_welcome",
        {"name": member.first_name, "number": member.number},
        language=member.language,
        cause=("member", str(member.id)),
        member_id=member.id,
    )


def _add_status(member: Member, before: MemberStatus | None, reason: str, *, on: date, by: Actor) -> None:
    db.session.add(
        MemberStatusChange(
            member_id=member.id,
            from_status=before,
            to_status=member.status,
            reason=reason,
            changed_on=on,
            changed_by=by.principal,
        )
    )
