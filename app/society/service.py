"""Changing the society's details, its branches and its calendar. Everything is audited."""

from __future__ import annotations

from datetime import date

from app import audit
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.ledger import service as ledger
from app.ledger.errors import NumberTaken
from app.society import queries
from app.society.errors import BranchInUse, DayMissing, StaleDetails
from app.society.models import ONLY, CalendarDay, Society
from app.society.schemas import BranchName, Details, NewBranch, NewDay


def edit_details(values: Details, *, by: Actor) -> None:
    """Say who the society is. Refuses with StaleDetails."""
    society = db.session.get_one(Society, ONLY, with_for_update=True, populate_existing=True)
    if society.version != values.version:
        raise StaleDetails
    wanted = values.model_dump(exclude={"version"})
    was, now = audit.differences({name: getattr(society, name) for name in wanted}, wanted)
    for name, value in now.items():
        setattr(society, name, value)
    if now:
        audit.record("society.details_edited", subject=("society", ONLY), by=by, before=was, after=now)


def add_branch(values: NewBranch, *, by: Actor) -> int:
    """Found a branch. Refuses with Invalid when its code or name is taken."""
    _check_name(values.name, but=None)
    try:
        branch_id = ledger.add_branch(values.code, values.name, by=by)
    except NumberTaken:
        raise Invalid({"code": "Another branch has this code."}) from None
    audit.record("society.branch_added", subject=("branch", values.code), by=by, after=values.model_dump())
    return branch_id


def rename_branch(branch_code: str, values: BranchName, *, by: Actor) -> None:
    """Give a branch another name. Refuses with BranchMissing, StaleDetails and Invalid."""
    branch = queries.branch(branch_code)
    if branch.name != values.was:
        raise StaleDetails
    if branch.name == values.name:
        return
    _check_name(values.name, but=branch_code)
    ledger.rename_branch(branch_code, values.name, by=by)
    audit.record(
        "society.branch_renamed",
        subject=("branch", branch_code),
        by=by,
        before={"name": branch.name},
        after={"name": values.name},
        branch_id=branch.id,
    )


def close_branch(branch_code: str, *, by: Actor) -> None:
    """Close a branch at which nobody and nothing is left.

    Refuses with BranchMissing and BranchInUse, and with the ledger's BranchClosed and BranchNotEmpty.
    """
    branch = queries.branch(branch_code)
    ledger.close_branch(branch_code, by=by)  # from here on nobody books there, so what is asked next stays true
    if reasons := queries.in_the_way_of_closing(branch.id):
        raise BranchInUse(reasons)
    audit.record("society.branch_closed", subject=("branch", branch_code), by=by, branch_id=branch.id)


def add_day(values: NewDay, *, on: date, by: Actor) -> None:
    """Decide that the society works, or does not, on a day that is still to come. Refuses with Invalid."""
    if values.on_date <= on:
        raise Invalid({"on_date": "Choose a day that is still to come. What was, stays."})
    if db.session.get(CalendarDay, values.on_date):
        raise Invalid({"on_date": "This day has been decided. Take that back first."})
    db.session.add(CalendarDay(**values.model_dump(), created_by=by.principal))
    audit.record("society.day_decided", subject=("day", values.on_date), by=by, after=values.model_dump())


def take_back_day(on_date: date, *, on: date, by: Actor) -> None:
    """Let a day that is still to come be as the public calendar has it. Refuses with DayMissing and Invalid."""
    day = db.session.get(CalendarDay, on_date)
    if day is None:
        raise DayMissing
    if on_date <= on:
        raise Invalid({"on_date": "This day has come. What was, stays."}, "This day has come. What was, stays.")
    before = {"is_working": day.is_working, "reason": day.reason}
    db.session.delete(day)
    audit.record("society.day_taken_back", subject=("day", on_date), by=by, before=before)


def _check_name(name: str, *, but: str | None) -> None:
    if any(branch.name.lower() == name.lower() and branch.code != but for branch in queries.branches()):
        raise Invalid({"name": "Another branch has this name."})
