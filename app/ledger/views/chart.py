"""The chart of accounts, the trial balance and the months of the books."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from app.approvals import queries as approvals
from app.approvals import service as asking
from app.approvals.states import ApprovalState
from app.audit import people
from app.kernel import clock
from app.kernel.errors import Conflict, Invalid
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Filled, Form
from app.kernel.idempotency import once
from app.kernel.money import total
from app.kernel.transactions import in_transaction
from app.ledger import chart, queries
from app.ledger.chart import MonthEnd, NewAccount, Retirement
from app.ledger.views import bp
from app.web import reach
from app.web.access import actor, requires
from app.web.pages import done, page, toast

Reason = Annotated[PlainLine, Field(min_length=3, max_length=200)]


class NewAccountForm(NewAccount):
    """An account that is proposed, with the reason for whoever decides."""

    reason: Reason

    @property
    def account(self) -> NewAccount:
        return NewAccount(**self.model_dump(exclude={"reason"}))


class RetirementForm(Retirement):
    """An account that is to be retired, and why."""

    reason: Reason


class BalancePage(Form):
    """Which trial balance to look at."""

    on: DateField | None = None
    branch_id: int | None = None


@bp.get("/chart")
@requires("ledger.view")
def chart_page() -> Response:
    """Every line of the chart with what stands on it."""
    return page(
        "ledger/chart.html",
        lines=chart.lines(branch_id=_own_branch(None)),
        types=chart.TYPES,
        waiting=approvals.waiting_about(chart.PROPOSALS),
    )


@bp.get("/chart/new")
@requires("ledger.chart")
def new_account() -> Response:
    """An empty form."""
    return page("ledger/new_account.html", form=Filled(), types=_types())


@bp.post("/chart")
@requires("ledger.chart")
def add_account() -> ResponseReturnValue:
    """Propose a line of the chart."""
    form = NewAccountForm.parse(request.form)
    if not form.errors:
        try:
            _propose("ledger.add_account", form, form.values.account, form.values.reason)
        except Invalid as refusal:
            form.refuse(refusal)
    if form.errors:
        return page("ledger/new_account.html", status=422, form=form, types=_types())
    return done(url_for(".chart_page"))


@bp.get("/chart/retire")
@requires("ledger.chart")
def retiring() -> Response:
    """What retiring an account would mean, or what stands in the way."""
    code = request.args.get("code", "").strip()
    return _retire_page(code, Filled()) if code else page("ledger/retire_account.html", account=None)


@bp.post("/chart/retire")
@requires("ledger.chart")
def retire_account() -> ResponseReturnValue:
    """Propose to use a line of the chart no longer."""
    form = RetirementForm.parse(request.form)
    if form.errors:
        return _retire_page(request.form.get("code", ""), form, status=422)
    try:
        _propose("ledger.retire_account", form, Retirement(code=form.values.code), form.values.reason)
    except Conflict as refusal:
        return _retire_page(form.values.code, form, status=refusal.status)
    return done(url_for(".chart_page"))


@bp.get("/trial-balance")
@requires("ledger.view")
def trial_balance() -> Response:
    """What stands on each account, now or at the end of a day; each line leads to its entries."""
    asked = BalancePage.parse(request.args)
    on = None if asked.errors else asked.values.on
    branch_id = _own_branch(None if asked.errors else asked.values.branch_id)
    lines = queries.trial_balance(on=on, branch_id=branch_id)
    return page(
        "ledger/trial_balance.html",
        status=422 if asked.errors else 200,
        form=asked,
        lines=lines,
        debits=total(line.debit for line in lines),
        credits=total(line.credit for line in lines),
        on=on or clock.business_date(),
        branches=queries.branches() if reach.of("ledger.view").is_everywhere else [],
        branch_id=branch_id,
    )


@bp.get("/months")
@requires("ledger.view")
def months() -> Response:
    """Which months are closed, by whom, and which may be closed next."""
    return _months_page()


@bp.post("/months/close")
@requires("ledger.close_month")
def close_month() -> ResponseReturnValue:
    """Propose to close a month."""
    form = MonthEnd.parse(request.form)
    if form.errors:
        raise Invalid(form.errors)
    try:
        _propose("ledger.close_month", form, form.values, f"{form.values.month:%B %Y} is complete")
    except Conflict as refusal:
        return _months_page(status=refusal.status, refusal=refusal.message)
    return done(url_for(".months"))


def _propose(command: str, form: Filled[Any], values: BaseModel, reason: str) -> None:
    """Ask for a decision, once however often the form is sent. Refuses with what the command refuses."""
    by = actor()
    asked = in_transaction(
        lambda: once(
            command, form.key or "", values.model_dump(mode="json"), by=by,
            work=lambda: str(asking.ask(command, values, by=by, reason=reason)),
        )
    )  # fmt: skip
    waits = approvals.get(UUID(asked.value)).state is ApprovalState.WAITING
    toast("Proposed. It is done once a second person has approved it." if waits else "Done.")


def _retire_page(code: str, form: Filled[Any], *, status: int = 200) -> Response:
    account, refusal = queries.ledger_account(code), None
    try:
        chart.retirement_effect(Retirement.parse_json({"code": code}))
    except Conflict as in_use:
        refusal = in_use.message
    return page("ledger/retire_account.html", status=status, account=account, form=form, refusal=refusal)


def _months_page(*, status: int = 200, refusal: str | None = None) -> Response:
    shown = chart.months()
    closers = {month.closed_by for month in shown if month.closed_by}
    known = {closer: (closer.partition(":")[0], closer.partition(":")[2]) for closer in closers}
    named = people.names_of(list(known.values()))
    return page(
        "ledger/months.html",
        status=status,
        months=shown,
        names={closer: named[one] for closer, one in known.items()},
        waiting=approvals.waiting_about(chart.MONTHS),
        refusal=refusal,
    )


def _own_branch(asked: int | None) -> int | None:
    """The branch to show: one's own where one's right ends there, else the one that was asked for, or all."""
    within = reach.of("ledger.view")
    return asked if within.is_everywhere else within.branch_id


def _types() -> list[tuple[str, str]]:
    return [(name, name.capitalize()) for name in chart.TYPES]
