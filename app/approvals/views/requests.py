"""What waits for a second person: lists, and one request with its effect and its decision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import audit
from app.approvals import authority, queries, registry, service, stand_ins
from app.approvals.errors import ApprovalMissing, CommandRefused
from app.approvals.models import Approval
from app.approvals.queries import Shown
from app.approvals.registry import AnyCommand
from app.approvals.schemas import DecisionForm, ListFilter
from app.approvals.states import ApprovalState
from app.approvals.views import bp
from app.audit import people
from app.identity import queries as identity
from app.kernel import clock, files
from app.kernel.errors import Conflict, Invalid, NotAllowed, Refusal
from app.kernel.files.errors import FileMissing
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.paging import Page
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.web import downloads, freshness, reach
from app.web.access import actor, requires, signed_in
from app.web.pages import done, page, toast


def waiting_for_me() -> int:
    """How much waits for the person who is signed in: the number beside the place in the navigation."""
    return queries.count_waiting_for(current_user.staff_id)


@bp.get("")
@signed_in
def index() -> Response:
    """What waits for me, the oldest first."""
    asked = _filter()
    found = queries.waiting_for(current_user.staff_id, command=asked.command, after=asked.after)
    return _list("waiting", found, asked)


@bp.get("/asked")
@signed_in
def asked() -> Response:
    """What I asked for, and what became of it."""
    wanted = _filter()
    return _list("asked", queries.asked_by(actor().principal, after=wanted.after), wanted)


@bp.get("/all")
@requires("approvals.view")
def everything() -> Response:
    """What anybody asked for, as far as my right to see it extends."""
    wanted = _filter()
    within = reach.of("approvals.view")
    found = queries.all_of(within, state=wanted.state, command=wanted.command, after=wanted.after)
    return _list("all", found, wanted)


@bp.get("/<uuid:approval_id>")
@signed_in
def show(approval_id: UUID) -> Response:
    """One request: what exactly it will do, who asked for it and why, and what was said."""
    return _show(approval_id)


@bp.get("/<uuid:approval_id>/attachment")
@signed_in
def attachment(approval_id: UUID) -> Response:
    """The paper that came with it, for whoever may see the request."""
    _visible(approval_id)
    kept = _attachment(queries.shown(approval_id))
    if kept is None:
        raise FileMissing
    return downloads.deliver(kept)


@bp.post("/<uuid:approval_id>/decide")
@signed_in
def decide(approval_id: UUID) -> ResponseReturnValue:
    """Approve or refuse what was on the page, once, however often the button is pressed."""
    approval = _visible(approval_id)
    form = DecisionForm.parse(request.form)
    if form.errors:
        return _show(approval_id, form=form, status=422)
    command = registry.find(approval.command)
    if command and command.fresh and (response := freshness.asked_first()):
        return response
    try:
        in_transaction(lambda: _decide_once(approval_id, form))
    except CommandRefused as refusal:
        _note(refusal)
        return _show(approval_id, form=form, status=refusal.status, problem=refusal)
    except NotAllowed as refusal:
        audit.notice("decision_denied", staff_id=actor().id, approval_id=str(approval_id), why=refusal.code)
        return _show(approval_id, form=form, status=refusal.status, problem=refusal)
    except Conflict as refusal:
        return _show(approval_id, form=form, status=refusal.status, problem=refusal)
    except Invalid as refusal:
        form.refuse(refusal)
        return _show(approval_id, form=form, status=refusal.status)
    toast(f"{form.values.verdict.label}.")
    return done(url_for(".show", approval_id=approval_id), fragment="approvals/_approval.html", **_facts(approval_id))


@bp.post("/<uuid:approval_id>/withdraw")
@signed_in
def withdraw(approval_id: UUID) -> ResponseReturnValue:
    """Take back what I asked for."""
    _visible(approval_id)
    by, key = actor(), request.form.get("key", "")
    try:
        in_transaction(
            lambda: once(
                "approvals.withdraw", key, {"approval": approval_id}, by=by,
                work=lambda: service.withdraw(approval_id, by=by),
            )
        )  # fmt: skip
    except Conflict as refusal:
        return _show(approval_id, status=refusal.status, problem=refusal)
    toast("Withdrawn.")
    return done(url_for(".show", approval_id=approval_id), fragment="approvals/_approval.html", **_facts(approval_id))


def _decide_once(approval_id: UUID, form: Filled[DecisionForm]) -> None:
    said, by = form.values, actor()
    once(
        "approvals.decide",
        form.key or "",
        {"approval": approval_id, **said.model_dump(mode="json")},
        by=by,
        work=lambda: service.decide(approval_id, said.verdict, by=by, note=said.note, version=said.version).value,
    )


def _note(refused: CommandRefused) -> None:
    """What was refused rolled everything back, so it is written down in a transaction of its own."""
    by = actor()
    in_transaction(lambda: service.note_refusal(refused, by=by))


def _visible(approval_id: UUID) -> Approval:
    """Refuses with ApprovalMissing what does not exist and what is not this person's to see, in the same words."""
    approval = queries.get(approval_id)
    if not queries.may_see(approval, current_user):
        audit.notice("record_out_of_reach", staff_id=str(current_user.staff_id), record="approval")
        raise ApprovalMissing
    return approval


def _show(
    approval_id: UUID, *, form: Filled[Any] | None = None, status: int = 200, problem: Refusal | None = None
) -> Response:
    _visible(approval_id)
    facts = _facts(approval_id)
    return page(
        "approvals/show.html", fragment="approvals/_approval.html", status=status, form=form, problem=problem, **facts
    )


def _facts(approval_id: UUID) -> dict[str, Any]:
    shown = queries.shown(approval_id)
    approval, decisions = shown.approval, shown.approval.decisions
    remarks = queries.remarks_of(approval_id)
    maker_id = authority.staff_id_of(approval.maker)
    mentioned = [approval.maker, *(said.checker for said in decisions), *(said.authority for said in decisions)]
    return {
        "shown": shown,
        "approval": approval,
        "decisions": decisions,
        "remarks": remarks,
        "names": _names([*mentioned, *(remark.noted_by for remark in remarks)]),
        "branch": next((branch.name for branch in ledger.branches() if branch.id == approval.branch_id), None),
        "is_own": approval.maker == f"{authority.STAFF}{current_user.staff_id}",
        "may_decide": queries.may_decide(approval_id, current_user.staff_id),
        "in_the_place_of": _in_the_place_of(approval, shown.command) if approval.state.is_open else None,
        "maker_has_left": maker_id is not None and maker_id not in identity.colleagues([maker_id]),
        "attachment": files.describe(kept) if (kept := _attachment(shown)) else None,
    }


def _attachment(shown: Shown) -> UUID | None:
    effect = shown.now or shown.asked
    return effect.attachment if effect else None


def _in_the_place_of(approval: Approval, command: AnyCommand | None) -> str | None:
    """Whose right somebody would use who decides by a borrowed one."""
    if command is None:
        return None
    try:
        whose = authority.to_decide(
            command,
            queries.place_of(approval),
            approval.amount,
            by=actor(),
            on=clock.business_date(),
            maker=approval.maker,
            used=[said.authority for said in approval.decisions],
            steady=False,
        )
    except NotAllowed:
        return None
    return whose.holder.name if whose.lent else None


def _list(which: str, found: Page[Approval], wanted: ListFilter) -> Response:
    return page(
        "approvals/index.html",
        which=which,
        found=found,
        wanted=wanted,
        labels=registry.labels(),
        states=ApprovalState,
        names=_names([approval.maker for approval in found.items]),
        may_lend=bool(stand_ins.decided_by(current_user)),
        url_next=_address(wanted, after=found.next) if found.next else None,
        url_first=_address(wanted) if wanted.after else None,
    )


def _address(wanted: ListFilter, *, after: str | None = None) -> str:
    return url_for(str(request.endpoint), command=wanted.command, state=wanted.state, after=after)


def _filter() -> ListFilter:
    form = ListFilter.parse(request.args)
    if form.errors:
        raise Invalid(form.errors)
    return form.values


def _names(principals: Iterable[str]) -> dict[str, str]:
    """What people are called, by principal."""
    known = {principal: (kind, its_id) for principal in principals for kind, _, its_id in [principal.partition(":")]}
    names = people.names_of(known.values())
    return {principal: names[one] for principal, one in known.items()}
