"""What the API tells of the society's books: its branches and its date."""

from __future__ import annotations

from datetime import date

from app.kernel.answers import Answer, ListAnswer


class BranchAnswer(Answer):
    """A branch of the society."""

    id: int
    code: str
    name: str
    is_active: bool


class Branches(ListAnswer[BranchAnswer]):
    """Every branch."""


class BusinessDate(Answer):
    """The day under which the society books what happens now."""

    business_date: date
