"""Pages of the society itself: its details, branches and calendar."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.ledger.errors import BranchNotEmpty
from app.society import calendar, queries, service
from app.society.errors import BranchInUse, StaleDetails
from app.society.schemas import BranchName, Details, NewBranch, NewDay, YearPage
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("society", __name__, url_prefix="/settings")


@bp.get("/society")
@requires("settings.view")
def details() -> Response:
    """Who the society is."""
    return _details_page()


@bp.post("/society")
@requires("settings.society")
def edit_details() -> Response:
    """Say who the society is."""
    form = Details.parse(request.form)
    if form.errors:
        return _details_page(form, status=422)
    values, by = form.values, actor()
    try:
        in_transaction(
            lambda: once(
                "society.edit_details", form.key or "", values.model_dump(), by=by,
                work=lambda: service.edit_details(values, by=by),
            )
        )  # fmt: skip
    except StaleDetails as stale:
        return _details_page(form, status=stale.status, stale=stale)
    toast("Saved.")
    return done(url_for(".details"))


@bp.get("/branches")
@requires("settings.view")
def branches() -> Response:
    """Where the society is."""
    return _branches_page()


@bp.post("/branches")
@requires("settings.society")
def add_branch() -> Response:
    """Found a branch."""
    form = NewBranch.parse(request.form)
    if form.errors:
        return _branches_page(form, status=422)
    values, by = form.values, actor()
    try:
        in_transaction(
            lambda: once(
                "society.add_branch", form.key or "", values.model_dump(), by=by,
                work=lambda: service.add_branch(values, by=by),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _branches_page(form, status=refusal.status)
    toast(f"{values.name} is open.")
    return done(url_for(".branches"))


@bp.get("/branches/<branch_code>")
@requires("settings.view")
def branch(branch_code: str) -> Response:
    """One branch: its name, and what stands in the way of closing it."""
    return _branch_page(branch_code)


@bp.post("/branches/<branch_code>")
@requires("settings.society")
def rename_branch(branch_code: str) -> Response:
    """Give a branch another name."""
    form = BranchName.parse(request.form)
    if form.errors:
        return _branch_page(branch_code, form, status=422)
    values, by = form.values, actor()
    try:
        in_transaction(lambda: service.rename_branch(branch_code, values, by=by))
    except StaleDetails as stale:
        return _branch_page(branch_code, form, status=stale.status, refusal=stale.message)
    except Invalid as refusal:
        form.refuse(refusal)
        return _branch_page(branch_code, form, status=refusal.status)
    toast("Saved.")
    return done(url_for(".branch", branch_code=branch_code))


@bp.post("/branches/<branch_code>/close")
@requires("settings.society")
def close_branch(branch_code: str) -> Response:
    """Close a branch at which nobody and nothing is left."""
    by = actor()
    try:
        in_transaction(lambda: service.close_branch(branch_code, by=by))
    except (BranchInUse, BranchNotEmpty) as refusal:
        return _branch_page(branch_code, status=refusal.status, refusal=refusal.message)
    toast("The branch is closed. Its past stays in the books.")
    return done(url_for(".branches"))


@bp.get("/calendar")
@requires("settings.view")
def calendar_page() -> Response:
    """The special days of a year."""
    return _calendar_page()


@bp.post("/calendar")
@requires("settings.calendar")
def add_day() -> Response:
    """Decide about a day."""
    form = NewDay.parse(request.form)
    if form.errors:
        return _calendar_page(form, status=422)
    values, by, on = form.values, actor(), clock.business_date()
    try:
        in_transaction(
            lambda: once(
                "society.add_day", form.key or "", values.model_dump(mode="json"), by=by,
                work=lambda: service.add_day(values, on=on, by=by),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _calendar_page(form, status=refusal.status)
    toast("The day is noted.")
    return done(url_for(".calendar_page", year=values.on_date.year))


@bp.post("/calendar/take-back")
@requires("settings.calendar")
def take_back_day() -> Response:
    """Let a day be as the public calendar has it."""
    form = NewDay.parse({"on_date": request.form.get("on_date", ""), "reason": "taken back"})
    if form.errors:
        raise Invalid(form.errors)
    day, by, on = form.values.on_date, actor(), clock.business_date()
    in_transaction(lambda: service.take_back_day(day, on=on, by=by))
    toast("Taken back.")
    return done(url_for(".calendar_page", year=day.year))


def _details_page(form: Filled[Any] | None = None, *, status: int = 200, stale: StaleDetails | None = None) -> Response:
    return page("society/details.html", status=status, form=form, society=queries.details(), stale=stale)


def _branches_page(form: Filled[Any] | None = None, *, status: int = 200) -> Response:
    return page("society/branches.html", status=status, form=form, branches=queries.branches())


def _branch_page(
    branch_code: str, form: Filled[Any] | None = None, *, status: int = 200, refusal: str | None = None
) -> Response:
    shown = queries.branch(branch_code)
    return page(
        "society/branch.html",
        status=status,
        form=form,
        branch=shown,
        refusal=refusal,
        in_the_way=queries.in_the_way_of_closing(shown.id) if shown.is_active else [],
    )


def _calendar_page(form: Filled[Any] | None = None, *, status: int = 200) -> Response:
    asked, on = YearPage.parse({"year": request.args.get("year", "")}), clock.business_date()
    year = on.year if asked.errors or asked.values.year is None else asked.values.year
    return page("society/calendar.html", status=status, form=form, year=year, days=calendar.year(year), today=on)
