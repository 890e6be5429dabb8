"""Pages of fees: what holds, what comes, a tariff with an example, a new one; and the registration fee of a member."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from app.approvals import queries as approvals
from app.approvals import service as approvals_service
from app.approvals.states import ApprovalState
from app.fees import decisions, queries, registration, service
from app.fees.errors import FeeExceedsAmount
from app.fees.events import Basis, Bearer, Event, ExciseKind
from app.fees.models import FeeTariff
from app.fees.schemas import Example, NewExciseRate, NewTariff
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("fees", __name__, url_prefix="/fees")

EXAMPLE = kes(5_000)  # an amount that most members move at times


@bp.get("")
@requires("fees.view")
def index() -> Response:
    """What the society charges today, and what was decided and comes later."""
    return _index_page()


@bp.get("/tariffs/<uuid:tariff_id>")
@requires("fees.view")
def tariff(tariff_id: UUID) -> Response:
    """One tariff: its amounts, an example, and what held for the same event before and comes after."""
    on, shown = clock.business_date(), queries.get(tariff_id)
    example = Example.parse(request.args)
    amount = EXAMPLE if example.errors or example.values.amount is None else example.values.amount
    from_day = max(on, shown.starts_on)
    try:
        quote = queries.quote_by(shown, amount, on=from_day) if not example.errors else None
    except FeeExceedsAmount as refusal:
        quote, example.errors["amount"] = None, refusal.message
    return page(
        "fees/tariff.html",
        fragment="fees/_example.html",
        status=422 if example.errors else 200,
        tariff=shown,
        history=queries.history(shown.event),
        holding=queries.holding(shown.event, on=on),
        excise=queries.excise_percent(shown.excise_kind, on=from_day),
        example=example,
        amount=amount,
        quote=quote,
        today=on,
    )


@bp.get("/tariffs/new")
@requires("fees.manage")
def new_tariff() -> Response:
    """A form for a fee, filled with what holds now if it is for an event that has one."""
    event = request.args.get("event", "")
    known = queries.holding(Event(event), on=clock.business_date()) if event in set(Event) else None
    return _tariff_form(Filled(typed=_as_typed(known) if known else _usual(event)))


@bp.post("/tariffs")
@requires("fees.manage")
def add_tariff() -> Response:
    """Propose a fee from a day on; somebody else decides."""
    form = NewTariff.parse(request.form)
    if form.errors:
        return _tariff_form(form, status=422)
    try:
        _propose(decisions.TARIFF, form)
    except Invalid as refusal:
        form.refuse(refusal)
        return _tariff_form(form, status=refusal.status)
    return done(url_for(".index"))


@bp.post("/excise")
@requires("fees.manage")
def add_excise_rate() -> Response:
    """Propose what the law says about excise duty from a day on; somebody else decides."""
    form = NewExciseRate.parse(request.form)
    if form.errors:
        return _index_page(form, status=422)
    try:
        _propose(decisions.EXCISE, form)
    except Invalid as refusal:
        form.refuse(refusal)
        return _index_page(form, status=refusal.status)
    return done(url_for(".index"))


@bp.get("/members/<uuid:member_id>/registration")
@requires("fees.charge")
def registration_fee(member_id: UUID) -> Response:
    """What a member was charged for joining, what of it is owed, or what it would cost to charge it now."""
    on, charged = clock.business_date(), registration.charged(member_id)
    return page(
        "fees/registration.html",
        member=members.get(member_id),
        owed=queries.owed(member_id),
        charged=charged,
        is_waived=charged is not None and registration.is_waived(charged),
        quote=queries.quote(Event.REGISTRATION, on=on),
    )


@bp.post("/members/<uuid:member_id>/registration")
@requires("fees.charge")
def charge_registration(member_id: UUID) -> Response:
    """Have a member who joined before there was a fee owe it now. It is charged once, so it needs no key."""
    by, on = actor(), clock.business_date()
    in_transaction(lambda: registration.charge_by_hand(member_id, on=on, by=by))
    toast("The registration fee is charged. It shows as owed until it is paid.")
    return done(url_for("profile.show", member_id=member_id))


def _propose(command: str, form: Filled[Any]) -> None:
    """Ask for a decision; the minute or the act that was named is the reason. Refuses with Invalid."""
    values, by = form.values, actor()
    reason = values.decision if isinstance(values, NewTariff) else values.source
    asked = in_transaction(
        lambda: once(
            command, form.key or "", values.model_dump(mode="json"), by=by,
            work=lambda: str(approvals_service.ask(command, values, by=by, reason=reason)),
        )
    )  # fmt: skip
    waits = approvals.get(UUID(asked.value)).state is ApprovalState.WAITING
    toast("Proposed. It holds once a second person has approved it." if waits else "It is noted.")


def _index_page(form: Filled[Any] | None = None, *, status: int = 200) -> Response:
    on = clock.business_date()
    return page(
        "fees/index.html",
        status=status,
        holding=queries.all_holding(on=on),
        to_come=queries.to_come(on=on),
        events=Event,
        rates=queries.excise_rates(),
        duties=[kind for kind in ExciseKind.choices() if kind[0] != ExciseKind.NONE.value],
        form=form,
        waiting=approvals.waiting_about(decisions.SUBJECT),
        today=on,
    )


def _tariff_form(form: Filled[Any], *, status: int = 200) -> Response:
    return page(
        "fees/new.html",
        status=status,
        form=form,
        events=Event.choices(),
        bases=Basis.choices(),
        bearers=Bearer.choices(),
        duties=ExciseKind.choices(),
        income_accounts=service.accounts_for("income"),
        expense_accounts=service.accounts_for("expense"),
    )


def _usual(event: str) -> dict[str, str]:
    """How a fee usually begins: on the next business day's date, flat, borne by the member, under excise."""
    typed = {"starts_on": f"{clock.business_date():%d/%m/%Y}", "excise_kind": ExciseKind.OTHER_FEES.value}
    return typed | ({"event": event, "income_account": Event(event).income_account} if event in set(Event) else {})


def _as_typed(tariff: FeeTariff) -> dict[str, str]:
    """What holds, as it would be typed: a change usually leaves most of it."""
    bands = "\n".join(f"{band.up_to.plain() if band.up_to else 'more'} {band.fee.plain()}" for band in tariff.bands)
    typed = {
        "event": tariff.event.value,
        "starts_on": f"{clock.business_date():%d/%m/%Y}",
        "basis": tariff.basis.value,
        "flat": tariff.flat.plain() if tariff.basis is Basis.FLAT else "",
        "percent": f"{tariff.percent.normalize():f}" if tariff.basis is Basis.PERCENT else "",
        "minimum": tariff.minimum.plain() if tariff.minimum is not None else "",
        "maximum": tariff.maximum.plain() if tariff.maximum is not None else "",
        "bands": bands,
        "borne_by": tariff.borne_by.value,
        "income_account": tariff.income_account,
        "expense_account": tariff.expense_account or "",
        "excise_kind": tariff.excise_kind.value,
    }
    return typed | ({"excise_included": "yes"} if tariff.excise_included else {})
