"""How far a right extends: where a record belongs, and whose records somebody may have.

Plain values, so that every room can narrow what it reads without knowing who works here: identity says how far
somebody reaches, a room says where its record belongs, and the two are compared here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, false, or_

from app.kernel.enums import LabelledEnum


class Reach(LabelledEnum):
    """Whose records a right extends to."""

    SOCIETY = "society", "The whole society"
    BRANCH = "branch", "Own branch"
    OWN = "own", "Members looked after"

    @property
    def width(self) -> int:
        """The larger, the more it extends to."""
        return _NARROW_TO_WIDE.index(self)


_NARROW_TO_WIDE = (Reach.OWN, Reach.BRANCH, Reach.SOCIETY)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a record belongs: its branch, and who looks after it (the loan officer, the field agent).

    Without a branch it belongs to the whole society, and only a right that extends so far opens it.
    """

    branch_id: int | None
    officer_id: UUID | None = None
    agent_id: UUID | None = None
    is_common: bool = False


SOCIETY_WIDE = Whereabouts(None)
"""What is no branch's: a user, a setting, money that is nobody's yet. Only a right to the whole society opens it."""

COMMON = Whereabouts(None, is_common=True)
"""What is no secret between branches, such as a product: whoever holds the permission may have it."""


@dataclass(frozen=True, slots=True)
class Within:
    """Whose records somebody may have: everybody's, a branch's, those that one person looks after, or nobody's."""

    reach: Reach | None = None
    branch_id: int | None = None
    staff_id: UUID | None = None

    @property
    def is_everywhere(self) -> bool:
        return self.reach is Reach.SOCIETY

    def holds(self, place: Whereabouts) -> bool:
        """Whether a record that belongs there is among them."""
        if place.is_common or self.reach is None:
            return self.reach is not None
        match self.reach:
            case Reach.SOCIETY:
                return True
            case Reach.BRANCH:
                return place.branch_id is not None and place.branch_id == self.branch_id
            case Reach.OWN:
                return self.staff_id is not None and self.staff_id in (place.officer_id, place.agent_id)

    def conditions(
        self, *, branch: SQLColumnExpression[Any], carers: Sequence[SQLColumnExpression[Any]]
    ) -> list[ColumnElement[bool]]:
        """The same as SQL, over the columns that hold a record's branch and who looks after it."""
        match self.reach:
            case Reach.SOCIETY:
                return []
            case Reach.BRANCH:
                return [branch == self.branch_id]
            case Reach.OWN:
                return [or_(false(), *(carer == self.staff_id for carer in carers))]
            case None:
                return [false()]


EVERYWHERE = Within(Reach.SOCIETY)
"""For jobs and commands, and for rules that hold for the whole society (a national ID is registered once)."""

NOWHERE = Within()
