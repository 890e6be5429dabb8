"""Members for tests: sensible by default, and a test names only what it is about."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.members import queries, service
from app.members.access import service as access
from app.members.schemas import MemberDetails, MemberEdit, StatusChange
from app.members.states import MemberStatus

OFFICER = Actor.system("tests")  # works with any record: what roles may do is tested in tests/identity
_numbers = itertools.count(1)


def open_books() -> None:
    """Let the society have its first business day: today by the test's clock."""
    in_transaction(lambda: ledger.open_books(clock.today_eat(), by=OFFICER))


def found_branch(code: str = "NKU", name: str = "Nakuru") -> int:
    """Another branch."""
    return in_transaction(lambda: ledger.add_branch(code, name, by=OFFICER))


def fields(**changes: Any) -> dict[str, Any]:
    """A person as a program would send one, different from all before."""
    n = next(_numbers)
    return {
        "first_name": "Mary",
        "middle_name": "Wanjiku",
        "last_name": "Kamau",
        "national_id": f"{20_000_000 + n}",
        "born_on": "1988-03-14",
        "gender": "female",
        "payment_phone": f"0722{n:06}",
        "branch_id": ledger_queries.head_office(),
        **changes,
    }


def details(**changes: Any) -> MemberDetails:
    """The same, read."""
    return MemberDetails.parse_json(fields(**changes))


def register(*, by: Actor = OFFICER, **changes: Any) -> UUID:
    """A member of the society."""
    person = details(**changes)
    return in_transaction(lambda: service.register(person, on=clock.business_date(), by=by))


def edit(member_id: UUID, person: dict[str, Any], *, version: int | None = None, by: Actor = OFFICER) -> None:
    """Save a form about a member, opened just now unless a version is given."""
    shown = version if version is not None else queries.get(member_id).version
    form = MemberEdit.parse_json({**person, "version": shown})
    in_transaction(lambda: service.edit(member_id, form, on=clock.business_date(), by=by))


def change_phone(member_id: UUID, phone: str, *, is_proved: bool = False, by: Actor = OFFICER) -> None:
    """Make another number the payment phone."""
    new = Phone.parse(phone)
    in_transaction(lambda: access.change_phone(member_id, new, is_proved=is_proved, by=by))


def change_status(
    member_id: UUID, status: MemberStatus, *, reason: str = "Minute 12/2026", by: Actor = OFFICER
) -> None:
    """Move a member to another status."""
    change = StatusChange(status=status, reason=reason, version=queries.get(member_id).version)
    in_transaction(lambda: service.change_status(member_id, change, on=clock.business_date(), by=by))
