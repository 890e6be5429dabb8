"""What the API tells of members: as much as the screens show, and no more."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import Field

from app.kernel.answers import Answer, ListAnswer, PageAnswer, PhoneNumber, VersionedAnswer
from app.members.models import Gender, Language, NextOfKin, PhonePurpose, Relationship
from app.members.queries import Hit, Profile
from app.members.states import MemberStatus


class MemberRow(Answer):
    """A member, as lists show one."""

    id: UUID
    number: str = Field(examples=["M000123"])
    name: str
    status: MemberStatus
    branch_id: int
    masked_phone: str | None = Field(description="Enough of the payment phone to recognise it.")


class MemberPage(PageAnswer[MemberRow]):
    """One page of members, newest number first."""


class MembersFound(ListAnswer[MemberRow]):
    """The members that a search finds, the best matches first."""


class MemberRegistered(Answer):
    """The new member."""

    id: UUID
    number: str


class KinAnswer(Answer):
    """One next of kin; with a share, a nominee."""

    name: str
    relationship: Relationship
    phone: PhoneNumber | None
    share_percent: Decimal | None


class MemberAnswer(VersionedAnswer):
    """One member. ID number and KRA PIN are masked for everybody, as on the screen."""

    id: UUID
    number: str = Field(examples=["M000123"])
    status: MemberStatus
    first_name: str
    middle_name: str | None
    last_name: str
    masked_national_id: str
    masked_kra_pin: str | None
    born_on: date
    gender: Gender
    language: Language
    payment_phone: PhoneNumber | None
    contact_phone: PhoneNumber | None
    branch_id: int
    officer_id: UUID | None
    agent_id: UUID | None
    employer: str | None
    joined_on: date
    next_of_kin: list[KinAnswer]


def row(hit: Hit) -> MemberRow:
    """A member of a list."""
    return MemberRow(
        id=hit.id,
        number=hit.number,
        name=hit.name,
        status=hit.status,
        branch_id=hit.branch_id,
        masked_phone=hit.phone.masked if hit.phone else None,
    )


def member(profile: Profile) -> MemberAnswer:
    """One member, from what the profile shows."""
    shown = profile.member
    phones = {number.purpose: number.phone for number in profile.phones}
    return MemberAnswer(
        id=shown.id,
        number=shown.number,
        status=shown.status,
        first_name=shown.first_name,
        middle_name=shown.middle_name,
        last_name=shown.last_name,
        masked_national_id=profile.masked_national_id,
        masked_kra_pin=profile.masked_kra_pin,
        born_on=shown.born_on,
        gender=shown.gender,
        language=shown.language,
        payment_phone=phones.get(PhonePurpose.PAYMENT),
        contact_phone=phones.get(PhonePurpose.CONTACT),
        branch_id=shown.branch_id,
        officer_id=shown.officer_id,
        agent_id=shown.agent_id,
        employer=shown.employer,
        joined_on=shown.joined_on,
        next_of_kin=[_kin(kin) for kin in profile.next_of_kin],
        version=shown.version,
    )


def _kin(kin: NextOfKin) -> KinAnswer:
    return KinAnswer(name=kin.name, relationship=kin.relationship, phone=kin.phone, share_percent=kin.share_percent)
