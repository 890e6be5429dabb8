"""What a second person looks at before somebody's second factor is taken away: whose, and what happens then."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.identity import queries
from app.identity.errors import FactorMissing, OwnAccess
from app.identity.service import second_factor
from app.kernel.actor import Actor
from app.kernel.effects import Effect
from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from app.kernel.reach import Whereabouts

NAME = "identity.reset_second_factor"


class FactorReset(Form):
    """Whose second factor is lost, and how the person was recognised."""

    staff_id: UUID
    reason: Annotated[PlainLine, Field(min_length=3, max_length=200)]


def effect(asked: FactorReset) -> Effect:
    """What it will do. Refuses with StaffMissing, and with FactorMissing where there is none."""
    person = queries.get(asked.staff_id)
    if queries.second_factor_since(person.id) is None:
        raise FactorMissing
    return Effect(
        title=f"Second factor of {person.name} ({person.username})",
        facts=(("Roles", ", ".join(role.label for role in person.roles)), ("Why", asked.reason)),
        warnings=(
            "Whoever knows the password can then set up another second factor: make sure by other means that it is "
            f"{person.name} who asks.",
            f"{person.name} is signed out everywhere, and the recovery codes stop working.",
        ),
    )


def run(asked: FactorReset, /, *, key: str, on: date, by: Actor) -> str:
    """Take it away. Refuses with what `second_factor.reset` refuses, and whoever approved it for himself."""
    if by.on_behalf_of == f"staff:{asked.staff_id}":
        raise OwnAccess
    second_factor.reset(asked.staff_id, by=by, reason=asked.reason)
    return str(asked.staff_id)


def whereabouts(asked: FactorReset) -> Whereabouts | None:
    """Where the person belongs."""
    return queries.whereabouts(asked.staff_id)


def subject(asked: FactorReset) -> tuple[str, str]:
    """Whom it is about."""
    return "staff", str(asked.staff_id)
