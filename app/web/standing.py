"""Where and when somebody works: the branch and the business date that the header of each page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_login import current_user

from app.kernel import clock
from app.ledger import queries as ledger
from app.ledger.errors import BooksNotOpen


@dataclass(frozen=True, slots=True)
class Standing:
    """The branch somebody works for, and the society's day; none before the books were opened for the first time."""

    branch: str
    on: date | None


def of_this_page() -> Standing:
    """Of whoever is signed in."""
    names = {branch.id: branch.name for branch in ledger.branches()}
    return Standing(names.get(current_user.branch_id, ""), _business_date())


def _business_date() -> date | None:
    """Pages must stand before the first day too: who installs the system signs in before opening the books."""
    try:
        return clock.business_date()
    except BooksNotOpen:
        return None
