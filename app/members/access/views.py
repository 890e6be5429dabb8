"""Pages on which the payment phone is verified and changed, and the PIN is reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, url_for
from flask import request as sent

from app.approvals import queries as approvals
from app.approvals import service as approvals_service
from app.approvals.states import ApprovalState
from app.identity.member_codes import pins
from app.identity.member_codes.one_time import Outcome, Verdict
from app.kernel.errors import Invalid
from app.kernel.forms import Filled, Form
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.members import queries
from app.members.access import changes, service
from app.members.access.schemas import NewPhone, PhoneChange, ProvedPhone, TypedCode, UnprovedPhone
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("access", __name__, url_prefix="/members/<uuid:member_id>")


@bp.get("/phone")
@requires("members.change_phone")
def phone(member_id: UUID) -> Response:
    """How the payment phone stands, and what can be done about it."""
    return _phone_page(member_id, Filled())


@bp.post("/phone/code")
@requires("members.change_phone")
def send_code(member_id: UUID) -> Response:
    """Text a code to the payment phone, to verify it."""
    by = actor()
    _once("members.send_phone_code", {"member": member_id}, lambda: str(service.send_verification(member_id, by=by)))
    return _code_page(member_id, Filled(), is_change=False)


@bp.post("/phone/verify")
@requires("members.change_phone")
def verify(member_id: UUID) -> Response:
    """Take the code that the member read out."""
    form, by = TypedCode.parse(sent.form), actor()
    if form.errors:
        return _code_page(member_id, form, is_change=False, status=422)
    verdict = _verdict(
        "members.verify_phone", member_id, form, lambda: service.verify_phone(member_id, form.values.code, by=by)
    )
    if not verdict.is_right:
        return _wrong(member_id, form, verdict, is_change=False)
    toast("The payment phone is verified.")
    return done(url_for("profile.show", member_id=member_id))


@bp.post("/phone/change")
@requires("members.change_phone", fresh=True)
def send_change(member_id: UUID) -> Response:
    """Text a code to the number that is to become the payment phone."""
    form, by = NewPhone.parse(sent.form), actor()
    if form.errors:
        return _phone_page(member_id, form, status=422)
    new = form.values.phone
    try:
        _once(
            "members.send_change_code",
            {"member": member_id, "phone": new.msisdn},
            lambda: service.send_change(member_id, new, by=by),
        )
    except Invalid as refusal:
        form.refuse(refusal)
        return _phone_page(member_id, form, status=refusal.status)
    return _code_page(member_id, Filled(typed={"phone": new.local}), is_change=True)


@bp.post("/phone/confirm")
@requires("members.change_phone", fresh=True)
def change(member_id: UUID) -> Response:
    """Take the code that came to the new number; from then on it is the payment phone."""
    form, by = ProvedPhone.parse(sent.form), actor()
    if form.errors:
        return _code_page(member_id, form, is_change=True, status=422)
    values = form.values
    try:
        verdict = _verdict(
            "members.change_phone", member_id, form,
            lambda: service.change_by_code(member_id, values.phone, values.code, by=by),
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _phone_page(member_id, form, status=refusal.status)
    if not verdict.is_right:
        return _wrong(member_id, form, verdict, is_change=True)
    toast(f"{values.phone.local} is the payment phone now. The old number was told.")
    return done(url_for("profile.show", member_id=member_id))


@bp.post("/phone/ask")
@requires("members.change_phone", fresh=True)
def ask(member_id: UUID) -> Response:
    """Ask a second person to decide, where the member cannot receive a code."""
    form, by = UnprovedPhone.parse(sent.form), actor()
    if form.errors:
        return _phone_page(member_id, form, status=422, asks=True)
    values = form.values
    wanted = PhoneChange(member_id=member_id, phone=values.phone, reason=values.reason)
    try:
        asked = _once(
            changes.NAME + ".ask",
            wanted.model_dump(mode="json"),
            lambda: str(approvals_service.ask(changes.NAME, wanted, by=by, reason=values.reason)),
        )
    except Invalid as refusal:
        form.refuse(refusal)
        return _phone_page(member_id, form, status=refusal.status, asks=True)
    waits = approvals.get(UUID(asked)).state is ApprovalState.WAITING
    toast("Asked. The phone changes once a second person has approved it." if waits else "The phone is changed.")
    return done(url_for(".phone", member_id=member_id))


@bp.get("/pin")
@requires("members.reset_pin")
def pin(member_id: UUID) -> Response:
    """How the PIN stands, and a button for a new one."""
    profile = queries.profile(member_id)
    return page("members/pin.html", member=profile.member, reached=profile.payment_phone, pin=pins.standing(member_id))


@bp.post("/pin")
@requires("members.reset_pin", fresh=True)
def reset_pin(member_id: UUID) -> Response:
    """Text the member a new PIN."""
    by = actor()
    _once("members.reset_pin", {"member": member_id}, lambda: service.reset_pin(member_id, by=by))
    toast("A new PIN was sent to the member's phone. It is good for 24 hours.")
    return done(url_for("profile.show", member_id=member_id))


def _once(operation: str, inputs: dict[str, Any], work: Callable[[], Any]) -> Any:
    by, key = actor(), sent.form.get("key", "")
    return in_transaction(lambda: once(operation, key, inputs, by=by, work=work)).value


def _verdict(operation: str, member_id: UUID, form: Filled[Any], check: Callable[[], Verdict]) -> Verdict:
    """Check a code once for each sending of the form: a double click is one try, and hears the same answer."""

    def work() -> dict[str, Any]:
        verdict = check()
        return {**asdict(verdict), "outcome": verdict.outcome.name}

    told = _once(operation, {"member": member_id, **form.values.model_dump(mode="json")}, work)
    return Verdict(Outcome[told["outcome"]], told["tries_left"])


def _wrong(member_id: UUID, form: Filled[Any], verdict: Verdict, *, is_change: bool) -> Response:
    """The same page with another key: what is typed next is another try."""
    fresh: Filled[Form] = Filled(errors={"code": verdict.sentence}, typed={**form.typed, "code": ""})
    return _code_page(member_id, fresh, is_change=is_change, status=422)


def _phone_page(member_id: UUID, form: Filled[Any], *, status: int = 200, asks: bool = False) -> Response:
    profile = queries.profile(member_id)
    return page(
        "members/phone.html",
        status=status,
        member=profile.member,
        reached=profile.payment_phone,
        money_out_from=service.money_out_from(member_id),
        waiting=[one for one in approvals.waiting_about(("member", member_id)) if one.command == changes.NAME],
        form=None if asks else form,
        asking=form if asks else None,
    )


def _code_page(member_id: UUID, form: Filled[Any], *, is_change: bool, status: int = 200) -> Response:
    profile = queries.profile(member_id)
    return page(
        "members/phone_code.html",
        status=status,
        member=profile.member,
        reached=profile.payment_phone,
        form=form,
        is_change=is_change,
    )
