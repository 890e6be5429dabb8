"""Manual journals: the form, its totals as one types, and asking for the entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.approvals import service as asking
from app.kernel import clock, files
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.files import Received
from app.kernel.files.errors import FIELD as FILE
from app.kernel.forms import KEY, Filled
from app.kernel.idempotency import Once, once
from app.kernel.money import ZERO, Money
from app.kernel.transactions import in_transaction
from app.ledger import entries, queries
from app.ledger.journals import MOST_LINES, VOUCHER, JournalForm
from app.ledger.views import bp
from app.web import uploads
from app.web.access import actor, requires
from app.web.pages import done, page, toast

FIELD = re.compile(r"lines\.(\d{1,3})\.(account|branch_id|member_account|debit|credit)")
HEAD = {"on": "Date", "description": "Description", "reason": "Why", "lines": "Lines", "file": "Voucher"}
AMOUNTS = ("debit", "credit")
LINES_AT_FIRST, MORE_LINES = 4, 4


@bp.get("/journals/new")
@requires("ledger.journal")
def new_journal() -> Response:
    """An empty journal of today."""
    return _form(Filled(typed={"on": f"{clock.business_date():%d/%m/%Y}"}))


@bp.post("/journals")
@requires("ledger.journal")
@uploads.takes_files()
def ask_for_journal() -> ResponseReturnValue:
    """Ask for a journal; it is posted once somebody else has approved it."""
    form = _parse(request.form)
    if "more" in request.form:
        return _form(Filled(typed=form.typed, key=form.key), lines=_count(form.typed) + MORE_LINES)
    if form.errors:
        return _form(form, status=422)
    by = actor()
    try:
        voucher = _voucher()
        asked = in_transaction(lambda: _ask_once(form, voucher, by))
    except Invalid as refusal:
        form.refuse(refusal)
        return _form(form, status=refusal.status)
    toast("Asked for. It is posted once somebody else has approved it.")
    return done(url_for("approvals.show", approval_id=asked.value))


@bp.post("/journals/totals")
@requires("ledger.journal")
def journal_totals() -> Response:
    """What both sides add up to so far, while somebody types."""
    return page("ledger/_totals.html", totals=_totals(_parse(request.form).typed))


def _voucher() -> Received | None:
    """The paper that was sent along, looked at; none if there is none. Refuses with FileRefused and FileTooLarge."""
    sent = request.files.get(FILE)
    return uploads.read(VOUCHER.name) if sent is not None and sent.filename else None


def _ask_once(form: Filled[JournalForm], voucher: Received | None, by: Actor) -> Once:
    values = form.values

    def work() -> str:
        kept = files.store(voucher, by=by) if voucher else None
        return str(asking.ask("ledger.journal", values.journal(kept), by=by, reason=values.reason))

    inputs = {**values.model_dump(mode="json"), "voucher": voucher.digest.sha256.hex() if voucher else None}
    return once("ledger.ask_for_journal", form.key or "", inputs, by=by, work=work)


def _parse(sent: Mapping[str, str]) -> Filled[JournalForm]:
    """Empty lines are left out; the others are counted anew, so that what is wrong stands beside them."""
    rows: dict[int, dict[str, str]] = {}
    for name, value in sent.items():
        if found := FIELD.fullmatch(name):
            rows.setdefault(int(found[1]), {})[found[2]] = value.strip()
    used = [row for _, row in sorted(rows.items()) if any(row.get(name) for name in ("account", *AMOUNTS))]
    typed = {name: sent.get(name, "") for name in ("on", "description", "reason")}
    given: dict[str, Any] = {name: value for name, value in typed.items() if value.strip()}
    given["lines"] = [{name: value for name, value in row.items() if value} for row in used[: MOST_LINES + 1]]
    typed |= {f"lines.{place}.{name}": value for place, row in enumerate(used) for name, value in row.items()}
    try:
        return Filled(JournalForm.parse_json(given), {}, typed, sent.get(KEY))
    except Invalid as refusal:
        return Filled(None, refusal.errors, typed, sent.get(KEY))


def _form(form: Filled[Any], *, status: int = 200, lines: int = 0) -> Response:
    return page(
        "ledger/new_journal.html",
        status=status,
        form=form,
        rows=range(min(max(lines, LINES_AT_FIRST, _count(form.typed) + 1), MOST_LINES)),
        labels=_labels(form.errors),
        accounts=entries.journal_accounts(),
        branches=[(branch.id, branch.name) for branch in queries.branches()],
        own_branch=current_user.branch_id,
        totals=_totals(form.typed),
    )


def _labels(errors: Mapping[str, str]) -> dict[str, str]:
    """What the list of mistakes calls a field, or a line: its number."""
    found = {name: FIELD.fullmatch(name) or re.fullmatch(r"lines\.(\d+)", name) for name in errors}
    return HEAD | {name: f"Line {int(place[1]) + 1}" for name, place in found.items() if place}


def _totals(typed: Mapping[str, str]) -> dict[str, Money]:
    """Both sides so far, and the debits less the credits."""
    sums = dict.fromkeys(AMOUNTS, ZERO)
    for name, value in typed.items():
        found = FIELD.fullmatch(name)
        if found and found[2] in AMOUNTS:
            sums[found[2]] += _amount(value)
    return {"debits": sums["debit"], "credits": sums["credit"], "difference": sums["debit"] - sums["credit"]}


def _amount(text: str) -> Money:
    """What was typed so far; nothing while it cannot be read."""
    try:
        return Money.parse(text)
    except ValueError:
        return ZERO


def _count(typed: Mapping[str, str]) -> int:
    return 1 + max((int(found[1]) for name in typed if (found := FIELD.fullmatch(name))), default=-1)
