"""Invented people become members with accounts: by COPY, with the register's own hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from app.demo.copying import copy_rows, take
from app.demo.people import Person
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.money import ZERO
from app.ledger import service as ledger
from app.ledger.values import AccountKind
from app.members import queries as register_queries
from app.members.models import NEXT_MEMBER_NUMBER, Member, MemberPhone, MemberStatusChange, NextOfKin, PhonePurpose
from app.members.service import phone_row
from app.members.states import MemberStatus
from app.savings.models import NEXT_ACCOUNT_NUMBER, AccountStatus, SavingsAccount, SavingsProduct

VISITED = 4  # of so many members at the branch the field agent visits one
NORMAL = "DEPOSITS"  # everybody has one, and money that names only the member goes there
OTHERS = {"ORDINARY": 0.45, "GOAL": 0.12}  # how many have an account in these, too

REASONS = {
    MemberStatus.DORMANT: "No contribution for six months",
    MemberStatus.SUSPENDED: "Decision of the supervisory committee",
    MemberStatus.EXIT_NOTICE: "Letter of notice received",
    MemberStatus.DECEASED: "Death certificate seen",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """An invented person who is now a member."""

    id: UUID
    branch_id: int
    person: Person


@dataclass(frozen=True, slots=True)
class Account:
    """A savings account that was opened for one of them."""

    id: int
    number: str
    control_account: str
    product: str
    member: Registered


def register(
    people: Sequence[Person], *, branches: Sequence[int], officer_id: UUID, agent_id: UUID, by: Actor
) -> list[Registered]:
    """Enter invented people in the register, as if they had joined when they say.

    The officer looks after everybody at his branch, the last; the agent visits every fourth of them, the first member
    among these.
    """
    ids, numbers = take("uuidv7()", len(people)), take(NEXT_MEMBER_NUMBER, len(people))
    made = [Registered(key, branches[person.branch], person) for key, person in zip(ids, people, strict=True)]
    instant = clock.now()
    copy_rows(
        Member,
        [
            {
                **_member(member),
                "number": number,
                "officer_id": officer_id if member.branch_id == branches[-1] else None,
                "agent_id": agent_id if member.branch_id == branches[-1] and place % VISITED == 0 else None,
                "updated_at": instant,
            }
            for place, (member, number) in enumerate(zip(made, numbers, strict=True))
        ],
    )
    copy_rows(
        MemberPhone,
        [
            {**phone_row(member.id, PhonePurpose.PAYMENT, member.person.phone, by=by.principal), "verified_at": instant}
            for member in made
        ],
    )
    copy_rows(NextOfKin, [row for member in made for row in _kin(member, by)])
    copy_rows(MemberStatusChange, [row for member in made for row in _steps(member, by)])
    return made


def open_accounts(
    members: Sequence[Registered], products: Mapping[str, SavingsProduct], *, chance: Random, by: Actor
) -> list[Account]:
    """Open the normal account of each, and others for some."""
    opened = _open(members, products[NORMAL], by)
    for code, part in OTHERS.items():
        holders = [
            member
            for place, member in enumerate(members)
            if chance.random() < part or (place == 0 and code == "ORDINARY")  # the first member shows two accounts
        ]
        opened += _open(holders, products[code], by)
    return opened


def _member(member: Registered) -> dict[str, Any]:
    person = member.person
    return {
        "id": member.id,
        "first_name": person.first_name,
        "middle_name": person.middle_name,
        "last_name": person.last_name,
        "national_id": person.national_id,
        "national_id_hash": register_queries.national_id_hash(person.national_id),
        "kra_pin": person.kra_pin,
        "kra_pin_hash": register_queries.kra_pin_hash(person.kra_pin) if person.kra_pin else None,
        "born_on": person.born_on,
        "gender": person.gender,
        "language": person.language,
        "branch_id": member.branch_id,
        "employer": person.employer,
        "joined_on": person.joined_on,
        "status": person.status,
        "version": 1,
    }


def _kin(member: Registered, by: Actor) -> list[dict[str, Any]]:
    return [
        {
            "member_id": member.id,
            "position": position,
            "name": kin.name,
            "relationship": kin.relationship,
            "share_percent": kin.share_percent,
            "created_by": by.principal,
        }
        for position, kin in enumerate(member.person.kin)
    ]


def _steps(member: Registered, by: Actor) -> list[dict[str, Any]]:
    joined = {
        "member_id": member.id,
        "from_status": None,
        "to_status": MemberStatus.ACTIVE,
        "reason": "Registered",
        "changed_on": member.person.joined_on,
        "changed_by": by.principal,
    }
    if member.person.status is MemberStatus.ACTIVE:
        return [joined]
    changed = {
        "from_status": MemberStatus.ACTIVE,
        "to_status": member.person.status,
        "reason": REASONS[member.person.status],
        "changed_on": clock.business_date(),
    }
    return [joined, {**joined, **changed}]


def _open(members: Sequence[Registered], product: SavingsProduct, by: Actor) -> list[Account]:
    if not members:
        return []
    numbers: list[str] = take(NEXT_ACCOUNT_NUMBER, len(members))
    ids = ledger.open_accounts(
        AccountKind.SAVINGS,
        [(number, member.branch_id) for number, member in zip(numbers, members, strict=True)],
        [product.control_account],
        floor=ZERO,
        by=by,
    )
    accounts = [
        Account(key, number, product.control_account, product.code, member)
        for key, number, member in zip(ids, numbers, members, strict=True)
    ]
    copy_rows(
        SavingsAccount,
        [
            {
                "id": account.id,
                "number": account.number,
                "member_id": account.member.id,
                "product_id": product.id,
                "status": AccountStatus.OPEN,
                "is_normal": product.code == NORMAL,
                "opened_on": account.member.person.joined_on,
            }
            for account in accounts
        ],
    )
    return accounts
