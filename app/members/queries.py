"""Reading the register: one member, those a search finds, and the list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, case, func, literal, select, union_all

from app.kernel.database import db
from app.kernel.encryption import keyed_hash
from app.kernel.paging import PAGE_SIZE, Page, keyset
from app.kernel.phones import Phone
from app.kernel.reach import EVERYWHERE, Whereabouts, Within
from app.members import rules
from app.members.errors import MemberMissing
from app.members.models import Member, MemberPhone, MemberStatusChange, NextOfKin, PhonePurpose
from app.members.states import MemberStatus

# A name that thousands share is not worth sorting: whoever typed it must type more. This keeps every search short.
CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Hit:
    """A member as a list or a search shows one."""

    id: UUID
    number: str
    name: str
    status: MemberStatus
    branch_id: int
    phone: Phone | None


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that reaches a member, and whether it was proved to."""

    phone: Phone
    purpose: PhonePurpose
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything the room knows about one member, for the page that shows it."""

    member: Member
    phones: Sequence[PhoneNumber]
    next_of_kin: Sequence[NextOfKin]
    last_change: MemberStatusChange | None

    @property
    def payment_phone(self) -> PhoneNumber | None:
        return next((phone for phone in self.phones if phone.purpose is PhonePurpose.PAYMENT), None)

    @property
    def masked_national_id(self) -> str:
        """Enough of the number to compare it with a card in hand."""
        return f"••••{self.member.national_id[-4:]}"

    @property
    def masked_kra_pin(self) -> str | None:
        pin = self.member.kra_pin
        return f"{pin[0]}••••••{pin[-3:]}" if pin else None


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """What the list of members is narrowed to."""

    text: str = ""
    status: MemberStatus | None = None
    branch_id: int | None = None
    officer_id: UUID | None = None


def get(member_id: UUID) -> Member:
    """One member. Refuses with MemberMissing."""
    member = db.session.get(Member, member_id)
    if member is None:
        raise MemberMissing
    return member


def whereabouts(member_id: UUID) -> Whereabouts | None:
    """Where a member belongs: the branch, and who looks after the member; None if there is none."""
    row = db.session.execute(
        select(Member.branch_id, Member.officer_id, Member.agent_id).where(Member.id == member_id)
    ).one_or_none()
    return Whereabouts(*row) if row else None


def whereabouts_by_number(number: str) -> Whereabouts | None:
    """Where the member of a number belongs; None if there is none."""
    member_id = by_number(number)
    return whereabouts(member_id) if member_id else None


def within_reach(within: Within) -> list[ColumnElement[bool]]:
    """The members that somebody may have, as conditions; none for whoever reaches everybody."""
    return within.conditions(branch=Member.branch_id, carers=(Member.officer_id, Member.agent_id))


def ids(within: Within) -> Select[UUID] | None:
    """The members that somebody may have, for rooms that keep what belongs to them; None: everybody."""
    conditions = within_reach(within)
    return select(Member.id).where(*conditions) if conditions else None


def get_for_update(member_id: UUID) -> Member:
    """One member, locked until the transaction ends. Refuses with MemberMissing."""
    member = db.session.get(Member, member_id, with_for_update=True, populate_existing=True)
    if member is None:
        raise MemberMissing
    return member


def profile(member_id: UUID) -> Profile:
    """What the profile page needs. Refuses with MemberMissing."""
    return Profile(get(member_id), phones(member_id), next_of_kin(member_id), _last_change(member_id))


def phones(member_id: UUID) -> list[PhoneNumber]:
    """The numbers in use, the payment phone first."""
    rows = db.session.execute(
        select(MemberPhone.phone, MemberPhone.purpose, MemberPhone.verified_at)
        .where(MemberPhone.member_id == member_id, MemberPhone.ended_at.is_(None))
        .order_by(MemberPhone.purpose.desc(), MemberPhone.created_at)  # "payment" sorts after "contact"
    )
    return [PhoneNumber(*row) for row in rows]


def payment_phone(member_id: UUID) -> Phone | None:
    """The number that prompts go to and receipts are texted to."""
    return db.session.scalar(select(MemberPhone.phone).where(_pays_for(member_id)))


def next_of_kin(member_id: UUID) -> Sequence[NextOfKin]:
    """Nominees and contacts that stand now, in the order given."""
    standing = (
        select(NextOfKin)
        .where(NextOfKin.member_id == member_id, NextOfKin.ended_at.is_(None))
        .order_by(NextOfKin.position)
    )
    return db.session.scalars(standing).all()


def status_history(member_id: UUID) -> Sequence[MemberStatusChange]:
    """Every step of the membership, newest first."""
    steps = (
        select(MemberStatusChange)
        .where(MemberStatusChange.member_id == member_id)
        .order_by(MemberStatusChange.changed_at.desc(), MemberStatusChange.id.desc())
    )
    return db.session.scalars(steps).all()


def by_number(text: str) -> UUID | None:
    """The member with this number, apart from signs and case, and no other."""
    return db.session.scalar(select(Member.id).where(Member.number == rules.compact(text)))


def by_payment_phone(phone: Phone) -> UUID | None:
    """Whose payment phone this is."""
    return _payer(MemberPhone.number_hash == number_hash(phone))


def by_phone_digest(digest: str) -> UUID | None:
    """Whose payment phone this is, when the provider gives only the SHA-256 of the number (C2B version 1)."""
    return _payer(MemberPhone.digest_hash == digest_hash(digest))


def former_membership(national_id: str) -> UUID | None:
    """The latest membership of the same person that has ended."""
    ended = select(Member.id).where(
        Member.national_id_hash == national_id_hash(national_id), Member.status == MemberStatus.EXITED
    )
    return db.session.scalar(ended.order_by(Member.id.desc()).limit(1))


def holder_of_national_id(national_id: str) -> UUID | None:
    """Which membership that has not ended is of the person with this national ID."""
    return _holder(Member.national_id_hash == national_id_hash(national_id))


def holder_of_kra_pin(kra_pin: str) -> UUID | None:
    """Which membership that has not ended is of the person with this KRA PIN."""
    return _holder(Member.kra_pin_hash == kra_pin_hash(kra_pin))


def phone_in_use(member_id: UUID, purpose: PhonePurpose) -> MemberPhone | None:
    """The row of the number that serves this purpose now."""
    return db.session.scalar(
        select(MemberPhone).where(
            MemberPhone.member_id == member_id, MemberPhone.purpose == purpose, MemberPhone.ended_at.is_(None)
        )
    )


def search(text: str, limit: int = 10, *, within: Within = EVERYWHERE) -> list[Hit]:
    """Find members by a fragment of the name, number, phone (whole or its end) or ID: the best matches first."""
    terms = rules.read_search(text)
    if terms.is_empty:
        return []
    candidates = select(Member.id, Member.number, Member.search_name).where(matching(terms), *within_reach(within))
    found = candidates.limit(CANDIDATES).subquery()
    best = select(found.c.id).order_by(*_best_first(terms, found.c.search_name), found.c.number).limit(limit)
    return _hits(db.session.scalars(best).all())


def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """What these members are called, with their numbers."""
    names = (Member.first_name, Member.middle_name, Member.last_name)
    rows = db.session.execute(select(Member.id, Member.number, *names).where(Member.id.in_(ids)))
    return {row.id: f"{rules.full_name(*row[-3:])} {row.number}" for row in rows}


def matching(terms: rules.SearchTerms) -> ColumnElement[bool]:
    """The members that a typed search means; each way of being meant has an index of its own."""
    if terms.words:
        return and_(*(Member.search_name.like(_pattern(word)) for word in terms.words))
    ways = [select(Member.id).where(Member.number.in_(terms.numbers))]
    if terms.national_id:
        ways.append(select(Member.id).where(Member.national_id_hash == national_id_hash(terms.national_id)))
    if terms.kra_pin:
        ways.append(select(Member.id).where(Member.kra_pin_hash == kra_pin_hash(terms.kra_pin)))
    if terms.phone:
        ways.append(_reached_by(MemberPhone.number_hash == number_hash(terms.phone)))
    if terms.phone_end:
        column = MemberPhone.last_four_hash if len(terms.phone_end) == 4 else MemberPhone.last_six_hash
        ways.append(_reached_by(column == phone_end_hash(terms.phone_end)))
    return Member.id.in_(union_all(*ways))


def listing(
    wanted: MemberFilter, *, within: Within = EVERYWHERE, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Hit]:
    """One page of the members that pass a filter, newest number first."""
    query = select(Member.id, Member.number).where(*_conditions(wanted), *within_reach(within))
    page = keyset(query, by=[Member.number], after=after, size=size)  # type: ignore[arg-type]  # rows of any width
    return Page(_hits([row.id for row in page.items]), page.next)


def count(wanted: MemberFilter, *, within: Within = EVERYWHERE, at_most: int) -> int:
    """How many members pass a filter; counting stops at ``at_most``."""
    conditions = [*_conditions(wanted), *within_reach(within)]
    some = select(literal(1)).select_from(Member).where(*conditions).limit(at_most).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def joined_on(day: date, *, within: Within = EVERYWHERE) -> int:
    """How many joined the society on a day."""
    joined = select(func.count()).select_from(Member).where(Member.joined_on == day, *within_reach(within))
    return db.session.scalar(joined) or 0


def at_branch(branch_id: int) -> list[str]:
    """Who still belongs to a branch, as a sentence: nobody closes it under them."""
    staying = [status for status in MemberStatus if status.is_open]
    belonging = select(func.count()).select_from(Member)
    count = db.session.scalar(belonging.where(Member.branch_id == branch_id, Member.status.in_(staying))) or 0
    return [f"{count:,} {'member belongs' if count == 1 else 'members belong'} here."] if count else []


def number_hash(phone: Phone) -> bytes:
    """By which a whole number is found."""
    return keyed_hash("phone", phone.msisdn)


def phone_end_hash(digits: str) -> bytes:
    """By which the last four or six digits are found."""
    return keyed_hash(f"phone-last-{len(digits)}", digits)


def digest_hash(digest: str) -> bytes:
    """By which the provider's SHA-256 of a number is found; kept keyed, as a plain one can be guessed in minutes."""
    return keyed_hash("phone-digest", digest.lower())


def digest_of(phone: Phone) -> str:
    """What M-PESA sends in place of a number."""
    return sha256(phone.msisdn.encode()).hexdigest()


def national_id_hash(national_id: str) -> bytes:
    return keyed_hash("national-id", national_id)


def kra_pin_hash(kra_pin: str) -> bytes:
    return keyed_hash("kra-pin", kra_pin)


def _conditions(wanted: MemberFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    terms = rules.read_search(wanted.text)
    if not terms.is_empty:
        conditions.append(matching(terms))
    if wanted.status:
        conditions.append(Member.status == wanted.status)
    if wanted.branch_id is not None:
        conditions.append(Member.branch_id == wanted.branch_id)
    if wanted.officer_id:
        conditions.append(Member.officer_id == wanted.officer_id)
    return conditions


def _pattern(word: str) -> str:
    """Where in a name a word may stand: anywhere, but one or two letters only at the start of a name."""
    return f"%{word}%" if len(word) > 2 else f"% {word}%"


def _best_first(terms: rules.SearchTerms, name: ColumnElement[str]) -> list[ColumnElement[Any]]:
    """Those whose names begin as typed come before those that only contain it."""
    begins = [name.like(f"% {word}%") for word in terms.words]
    return [case((and_(*begins), 0), else_=1), name] if begins else [name]


def _reached_by(condition: ColumnElement[bool]) -> Select[UUID]:
    return select(MemberPhone.member_id).where(condition, MemberPhone.ended_at.is_(None))


def _holder(condition: ColumnElement[bool]) -> UUID | None:
    return db.session.scalar(select(Member.id).where(condition, Member.status != MemberStatus.EXITED))


def _payer(condition: ColumnElement[bool]) -> UUID | None:
    in_use = and_(MemberPhone.purpose == PhonePurpose.PAYMENT, MemberPhone.ended_at.is_(None))
    return db.session.scalar(select(MemberPhone.member_id).where(condition, in_use))


def _pays_for(member_id: UUID | SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    return and_(
        MemberPhone.member_id == member_id,
        MemberPhone.purpose == PhonePurpose.PAYMENT,
        MemberPhone.ended_at.is_(None),
    )


def _last_change(member_id: UUID) -> MemberStatusChange | None:
    return next(iter(status_history(member_id)), None)


def _hits(ids: Sequence[UUID]) -> list[Hit]:
    """Members with their payment phones, in the order given, by one query that decrypts no more than that."""
    names = (Member.first_name, Member.middle_name, Member.last_name)
    rows = db.session.execute(
        select(Member.id, Member.number, Member.status, Member.branch_id, MemberPhone.phone, *names)
        .outerjoin(MemberPhone, _pays_for(Member.id))
        .where(Member.id.in_(ids))
    )
    found = {
        row.id: Hit(row.id, row.number, rules.full_name(*row[-3:]), row.status, row.branch_id, row.phone)
        for row in rows
    }
    return [found[member_id] for member_id in ids]
