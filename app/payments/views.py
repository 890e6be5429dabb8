"""Pages of payments: the prompt dialog, its live status, the history, and money in suspense."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue

from app.kernel.errors import Conflict, Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import Once, once
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.members.errors import MemberMissing
from app.members.models import Member
from app.payments import destinations, progress, queries, rails
from app.payments.destinations import Purpose
from app.payments.models import Payment
from app.payments.queries import PaymentFilter
from app.payments.schemas import AllocateForm, FilterForm, PromptForm
from app.payments.service import Intended, PaymentService
from app.payments.states import PaymentState
from app.web import reach, reads
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("payments", __name__, url_prefix="/payments")

VIEW = "payments.view"
LATEST = 5  # payments on a member's overview
CHANGED = "payments-changed"  # what other parts of a page listen for


@bp.get("/")
@requires("payments.view")
def index() -> ResponseReturnValue:
    """The history of payments, narrowed by a filter that is part of the address."""
    form = FilterForm.parse(request.args)
    chosen = form.values.chosen() if not form.errors else PaymentFilter()
    within = reach.of(VIEW)
    member = _member_of(chosen)
    shown = queries.history(chosen, within=within, after=form.values.after if not form.errors else None)
    reads.shown(queries.members_of(shown.items))
    return page(
        "payments/index.html",
        status=422 if form.errors else 200,
        form=form,
        shown=shown,
        total=queries.history_total(chosen, within=within),
        chips=_chips(chosen),
        member=member,
        names=members.names_of(queries.members_of(shown.items)) if not chosen.member_id else {},
        purposes=[destination.purpose for destination in destinations.every()],
        states=PaymentState,
        rails=rails.ready(),
        url_next=_same_filter(after=shown.next) if shown.next else None,
        url_first=_same_filter() if request.args.get("after") else None,
    )


def _member_of(chosen: PaymentFilter) -> Member | None:
    """The member whose payments are asked for. Refuses with MemberMissing, also where that member is out of reach."""
    if chosen.member_id is None:
        return None
    place = members.whereabouts(chosen.member_id)
    if place is None or not reach.of(VIEW).holds(place):
        raise MemberMissing
    return members.get(chosen.member_id)


@bp.get("/prompt/<uuid:member_id>")
@requires("payments.prompt")
def new_prompt(member_id: UUID) -> ResponseReturnValue:
    """The dialog that asks a member to pay, filled with what is likely."""
    return _prompt_page(member_id, None)


@bp.post("/prompt/<uuid:member_id>")
@requires("payments.prompt")
def create_prompt(member_id: UUID) -> ResponseReturnValue:
    """Send a prompt: once, however often the button is pressed."""
    form = PromptForm.parse(request.form)
    if form.errors:
        return _prompt_page(member_id, form)
    try:
        sent = in_transaction(lambda: _prompt_once(member_id, form))
    except Invalid as refusal:
        form.refuse(refusal)
        return _prompt_page(member_id, form)
    except Conflict as refusal:
        form.errors["form"] = refusal.message
        return _prompt_page(member_id, form, status=409)
    payment = queries.get(UUID(sent.value))
    return done(
        url_for(".show", payment_id=payment.id), fragment="payments/_status_panel.html", **_status(payment, round_=0)
    )


def _prompt_once(member_id: UUID, form: Filled[PromptForm]) -> Once:
    values = form.values
    if values.purpose not in {destination.purpose for destination in destinations.every()}:
        raise Invalid({"account": "Choose what the payment is for."})
    share = Intended(values.purpose, values.account_id, values.amount)
    return once(
        "payments.prompt",
        form.key or "",
        {"member": str(member_id), **values.model_dump(mode="json")},
        by=actor(),
        work=lambda: str(
            PaymentService(actor()).prompt(member_id, phone=values.phone, intended=[share], rail=values.rail)
        ),
    )


def _prompt_page(member_id: UUID, form: Filled[PromptForm] | None, *, status: int | None = None) -> ResponseReturnValue:
    member, phone = members.get(member_id), members.payment_phone(member_id)
    choices = [
        (f"{destination.purpose.value}:{account.id}", f"{destination.purpose.label} · {account.label}")
        for destination in destinations.every()
        for account in destination.accounts_of(member_id)
    ]
    return page(
        "payments/prompt.html",
        fragment="payments/_prompt.html",
        status=status or (422 if form else 200),
        member=member,
        form=form,
        choices=choices,
        being_checked=queries.being_checked(member_id),
        rails=rails.ready(),
        rails_choices=[(rail.name, rail.label) for rail in rails.ready()],
        phone=phone,
        phone_hint=f"{phone.operator}, the member's payment phone" if phone else "The phone that will ring",
    )


@bp.get("/<uuid:payment_id>")
@requires("payments.view")
def show(payment_id: UUID) -> ResponseReturnValue:
    """One payment: where it stands and how it came there; its receipt once it is paid."""
    payment = queries.get(payment_id)
    return page(
        "payments/show.html",
        member=members.get(payment.member_id) if payment.member_id else None,
        moves=payment.moves,
        evidence_words=progress.EVIDENCE,
        **_status(payment, round_=0),
    )


@bp.get("/<uuid:payment_id>/status")
@requires("payments.view")
def status(payment_id: UUID) -> ResponseReturnValue:
    """The live status alone: asks again only while the outcome is open."""
    payment = queries.get(payment_id)
    shown = _status(payment, round_=request.args.get("round", 0, type=int))
    response = make_response(page("payments/_status.html", **shown))
    if request.args.get("seen") != payment.state.value:
        response.headers["HX-Trigger"] = CHANGED
    return response


def _status(payment: Payment, *, round_: int) -> dict[str, Any]:
    pause = None if payment.state.is_closed else progress.pause_seconds(round_)
    return {
        "payment": payment,
        "steps": progress.steps(payment, payment.moves),
        "pause_seconds": pause,
        "next_round": round_ + 1,
    }


@bp.get("/latest/<uuid:member_id>")
@requires("payments.view")
def latest(member_id: UUID) -> ResponseReturnValue:
    """The newest payments of a member, for the overview: it looks again by itself while one of them is open."""
    payments = queries.history(PaymentFilter(member_id=member_id), within=reach.of(VIEW), size=LATEST).items
    open_now = sum(not payment.state.is_closed for payment in payments)
    has_changed = request.args.get("open", type=int) not in (None, open_now)
    round_ = 0 if has_changed else request.args.get("round", 0, type=int)
    response = make_response(
        page(
            "payments/_latest.html",
            payments=payments,
            member_id=member_id,
            open_now=open_now,
            pause_seconds=progress.pause_seconds(round_) if open_now else None,
            next_round=round_ + 1,
        )
    )
    if has_changed:
        response.headers["HX-Trigger"] = CHANGED
    return response


@bp.get("/suspense")
@requires("payments.allocate")
def suspense() -> ResponseReturnValue:
    """Money that came and belongs to nobody yet."""
    return _suspense_page(None, None)


@bp.post("/suspense/<uuid:allocation_id>")
@requires("payments.allocate")
def allocate(allocation_id: UUID) -> ResponseReturnValue:
    """Give money in suspense to the account that a person names."""
    form = AllocateForm.parse(request.form)
    if not form.errors:
        try:
            in_transaction(
                lambda: once(
                    "payments.allocate",
                    form.key or "",
                    {"allocation": str(allocation_id), "reference": form.values.reference},
                    by=actor(),
                    work=lambda: str(PaymentService(actor()).allocate(allocation_id, reference=form.values.reference)),
                )
            )
        except Invalid as refusal:
            form.errors["reference"] = next(iter(refusal.errors.values()))
        except Conflict as refusal:
            toast(refusal.message)
            return done(url_for(".suspense"))
    if form.errors:
        return _suspense_page(allocation_id, form)
    toast("Allocated. The member's account has been credited.")
    return done(url_for(".suspense"))


def _suspense_page(tried_id: UUID | None, form: Filled[AllocateForm] | None) -> ResponseReturnValue:
    within = reach.of("payments.allocate")
    count, amount, oldest_at = queries.in_suspense(within=within)
    return page(
        "payments/suspense.html",
        status=422 if form else 200,
        shown=queries.suspense(within=within, after=request.args.get("after")),
        evidence=queries.evidence() if within.is_everywhere else [],
        count=count,
        amount=amount,
        oldest_at=oldest_at,
        tried_id=tried_id,
        form=form,
    )


def _chips(chosen: PaymentFilter) -> list[tuple[str, str]]:
    """What the list is narrowed to, each with the address of the list without it."""
    words = {
        "purpose": chosen.purpose.label if isinstance(chosen.purpose, Purpose) else None,
        "state": chosen.state.label if chosen.state else None,
        "rail": chosen.rail and rails.get(chosen.rail).label if chosen.rail in _rail_names() else None,
        "first_on": chosen.first_on and f"from {chosen.first_on:%d/%m/%Y}",
        "last_on": chosen.last_on and f"to {chosen.last_on:%d/%m/%Y}",
        "receipt": chosen.receipt or None,
        "review": "To review" if chosen.needs_review else None,
        "member": "One member" if chosen.member_id else None,
    }
    return [(text, _same_filter(**{taken: None})) for taken, text in words.items() if text]


def _same_filter(**changes: str | None) -> str:
    """The address of this list with its filter, on the first page unless told otherwise."""
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "after"} | changes
    return url_for(".index", **{name: value for name, value in kept.items() if value})


def _rail_names() -> set[str]:
    return {rail.name for rail in rails.ready()}
