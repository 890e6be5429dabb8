"""Invented members are the same for the same seed, and would pass the register's own checks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.demo.people import FIRST_TRY_PHONE, people
from app.kernel.phones import Phone
from app.members import rules
from app.members.schemas import MemberDetails

TODAY = date(2026, 11, 22)


def test_the_same_seed_invents_the_same_people() -> None:
    assert list(people(50, seed=1, today=TODAY)) == list(people(50, seed=1, today=TODAY))
    assert list(people(50, seed=1, today=TODAY)) != list(people(50, seed=2, today=TODAY))


def test_the_first_member_is_the_one_to_try_first() -> None:
    first = next(people(1, seed=7, today=TODAY))

    assert first.phone == FIRST_TRY_PHONE == Phone.parse("0712 345 678")


def test_no_number_is_given_twice() -> None:
    invented = list(people(30_000, seed=1, today=TODAY))

    assert len({person.phone for person in invented}) == 30_000
    assert len({person.national_id for person in invented}) == 30_000
    pins = [person.kra_pin for person in invented if person.kra_pin]
    assert len(set(pins)) == len(pins)


def test_invented_people_pass_the_checks_of_the_register() -> None:
    for person in people(400, seed=3, today=TODAY):
        MemberDetails.parse_json(
            {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "national_id": person.national_id,
                "kra_pin": person.kra_pin,
                "born_on": person.born_on.isoformat(),
                "gender": person.gender.value,
                "payment_phone": person.phone.e164,
                "branch_id": 1,
                "next_of_kin": [
                    {"name": kin.name, "relationship": kin.relationship.value, "share_percent": str(kin.share_percent)}
                    for kin in person.kin
                    if kin.share_percent
                ],
            }
        )
        assert rules.why_not_born_on(person.born_on, on=TODAY) is None
        assert sum((kin.share_percent or Decimal(0) for kin in person.kin), Decimal(0)) in (0, 100)
        assert person.joined_on < TODAY
