"""Reading the society: its details, and its branches with what stands in the way of closing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.kernel.database import db
from app.kernel.reach import COMMON, Whereabouts
from app.ledger import queries as ledger
from app.ledger.values import Branch
from app.society.errors import BranchMissing
from app.society.models import ONLY, Society

InTheWay = Callable[[int], Sequence[str]]

_in_the_way: list[InTheWay] = []


def register(in_the_way_of_closing: InTheWay) -> None:
    """Have a room say what of its own is still at a branch, as sentences; called by ``create_app``."""
    if in_the_way_of_closing not in _in_the_way:
        _in_the_way.append(in_the_way_of_closing)


def details() -> Society:
    """Who the society is."""
    found = db.session.get(Society, ONLY)
    assert found is not None, "the migration makes the row"
    return found


def branches() -> list[Branch]:
    """All branches, those that are closed at last."""
    return sorted(ledger.branches(closed_too=True), key=lambda branch: not branch.is_active)


def branch(branch_code: str) -> Branch:
    """One branch. Refuses with BranchMissing."""
    found = next((one for one in ledger.branches(closed_too=True) if one.code == branch_code), None)
    if found is None:
        raise BranchMissing
    return found


def in_the_way_of_closing(branch_id: int) -> list[str]:
    """What keeps a branch from being closed, as far as rooms above the ledger know."""
    return [sentence for ask in _in_the_way for sentence in ask(branch_id)]


def branch_whereabouts(branch_code: str) -> Whereabouts | None:
    """Names of branches are no secret; None if there is no such branch."""
    return COMMON if any(one.code == branch_code for one in ledger.branches(closed_too=True)) else None
