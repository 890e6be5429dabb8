"""Entries: the list, one with its lines, and asking for its reversal."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from app.approvals import queries as approvals
from app.approvals import service as asking
from app.audit import people
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Filled, Form
from app.kernel.idempotency import once
from app.kernel.money import total
from app.kernel.transactions import in_transaction
from app.ledger import entries, queries, reversals
from app.ledger.entries import EntryFilter
from app.ledger.reversals import Reversal
from app.ledger.views import bp
from app.web import formats, reach
from app.web.access import actor, requires
from app.web.pages import done, page, toast

ENTRY = f"<int(max={2**63 - 1}):entry_id>"


class FilterForm(Form):
    """What the list is narrowed to, as part of its address."""

    first_on: DateField | None = None
    last_on: DateField | None = None
    account: Annotated[PlainLine, Field(max_length=9)] | None = None
    cause: Annotated[PlainLine, Field(max_length=40)] | None = None
    after: Annotated[str, Field(max_length=300)] | None = None

    @property
    def chosen(self) -> EntryFilter:
        return EntryFilter(self.first_on, self.last_on, self.account, self.cause)


class ReasonForm(Form):
    """Why an entry should be reversed."""

    reason: Annotated[PlainLine, Field(min_length=3, max_length=120)]


@bp.get("/entries")
@requires("ledger.view")
def index() -> Response:
    """What was posted, the newest first, narrowed by a filter that is part of the address."""
    form = FilterForm.parse(request.args)
    wanted = form.values if not form.errors else FilterForm()
    found = entries.listed(wanted.chosen, within=reach.of("ledger.view"), after=wanted.after)
    typed = {name: value for name, value in form.typed.items() if value and name != "after"}
    return page(
        "ledger/entries.html",
        status=422 if form.errors else 200,
        form=form,
        found=found,
        names=people.names_of([entry.actor for entry in found.items]),
        causes=_cause_choices(),
        words=entries.CAUSES,
        accounts=queries.ledger_accounts(),
        chips=[] if form.errors else _chips(wanted, typed),
        url_next=_address(typed, after=found.next) if found.next else None,
        url_first=_address(typed) if wanted.after else None,
    )


@bp.get(f"/entries/{ENTRY}")
@requires("ledger.view")
def entry(entry_id: int) -> Response:
    """One entry: its lines, what it was made for, by whom, and what reversed it."""
    return _entry_page(entry_id, None)


@bp.post(f"/entries/{ENTRY}/reverse")
@requires("ledger.reverse")
def ask_to_reverse(entry_id: int) -> ResponseReturnValue:
    """Ask for the reversal of an entry; somebody else decides about it."""
    form = ReasonForm.parse(request.form)
    if form.errors:
        return _entry_page(entry_id, form, status=422)
    by, wanted = actor(), Reversal(entry_id=entry_id, reason=form.values.reason)
    asked = in_transaction(
        lambda: once(
            "ledger.ask_to_reverse", form.key or "", wanted.model_dump(), by=by,
            work=lambda: str(asking.ask("ledger.reverse", wanted, by=by, reason=wanted.reason)),
        )
    )  # fmt: skip
    toast("Asked for. It is posted once somebody else has approved it.")
    return done(url_for("approvals.show", approval_id=asked.value))


def _entry_page(entry_id: int, form: Filled[Any] | None, *, status: int = 200) -> Response:
    head = queries.entry(entry_id)
    who = (head.actor_kind, head.actor_id)
    checker = _known(head.on_behalf_of)
    cause = (head.cause.type, head.cause.id)
    lines = entries.lines(entry_id, with_inter_branch=True)
    return page(
        "ledger/entry.html",
        status=status,
        head=head,
        lines=lines,
        debits=total(line.debit for line in lines),
        credits=total(line.credit for line in lines),
        names=people.names_of([who, cause, *([checker] if checker else [])]),
        who=who,
        checker=checker,
        cause=cause,
        cause_words=entries.CAUSES.get(head.cause.type, head.cause.type.replace("_", " ").capitalize()),
        cause_page=people.page_of(cause),
        reversal=queries.reversal_of(entry_id),
        why_not=reversals.why_not(entry_id),
        waiting=approvals.waiting_about(("entry", entry_id)),
        form=form,
    )


def _known(principal: str | None) -> tuple[str, str] | None:
    """Kind and id of somebody, as the directories know people."""
    kind, _, its_id = (principal or "").partition(":")
    return (kind, its_id) if its_id else None


def _cause_choices() -> list[tuple[str, str]]:
    return [(kind, entries.CAUSES.get(kind, kind.replace("_", " ").capitalize())) for kind in entries.cause_types()]


def _chips(wanted: FilterForm, typed: dict[str, str]) -> list[tuple[str, str]]:
    words = {
        "first_on": f"from {formats.day(wanted.first_on)}",
        "last_on": f"until {formats.day(wanted.last_on)}",
        "account": f"account {wanted.account}",
        "cause": entries.CAUSES.get(wanted.cause or "", wanted.cause or ""),
    }
    return [
        (words[name], _address({other: value for other, value in typed.items() if other != name})) for name in typed
    ]


def _address(typed: dict[str, str], *, after: str | None = None) -> str:
    return url_for(".index", **typed, after=after)  # type: ignore[arg-type]  # the names are the filter's fields
