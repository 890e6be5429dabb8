"""What a second person looks at before a payment phone changes without a code: whose, to which number, and why."""

from __future__ import annotations

from datetime import date

from app.kernel.actor import Actor
from app.kernel.effects import Change, Effect
from app.kernel.reach import Whereabouts
from app.members import queries
from app.members.access import service
from app.members.access.schemas import PhoneChange

NAME = "members.change_phone"


def effect(asked: PhoneChange) -> Effect:
    """What it will do. Refuses with MemberMissing and PhoneTaken."""
    member = queries.get(asked.member_id)
    service.check_free(member.id, asked.phone)
    old = queries.payment_phone(member.id)
    return Effect(
        title=f"Payment phone of {member.name} ({member.number})",
        facts=(("Why without a code", asked.reason),),
        changes=(Change(what="Payment phone", before=old.local if old else None, after=asked.phone.local),),
        warnings=(
            "Nobody has proved that this phone is the member's: whoever holds it is prompted and paid.",
            "The old number is told by text, and no money leaves for the new one for 24 hours.",
        ),
    )


def run(asked: PhoneChange, /, *, key: str, on: date, by: Actor) -> str:
    """Change it, unverified. Refuses with PhoneTaken."""
    service.change_phone(asked.member_id, asked.phone, is_proved=False, by=by)
    return str(asked.member_id)


def whereabouts(asked: PhoneChange) -> Whereabouts | None:
    """Where the member belongs."""
    return queries.whereabouts(asked.member_id)


def subject(asked: PhoneChange) -> tuple[str, str]:
    """Whom it is about."""
    return "member", str(asked.member_id)
