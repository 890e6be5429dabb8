"""Who decides in whose place, and for how long."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.approvals import registry, stand_ins
from app.approvals.schemas import StandIn
from app.approvals.views import bp
from app.identity import queries as identity
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.web.access import actor, signed_in
from app.web.pages import done, page, toast


@bp.get("/stand-ins")
@signed_in
def stand_ins_page() -> Response:
    """Who stands in for whom: mine, and everybody's for those who may see all requests."""
    return _page(None)


@bp.post("/stand-ins")
@signed_in
def lend() -> ResponseReturnValue:
    """Have somebody decide in my place."""
    form = StandIn.parse(request.form)
    if form.errors:
        return _page(form, status=422)
    values, by, on = form.values, actor(), clock.business_date()
    try:
        in_transaction(
            lambda: once(
                "approvals.lend", form.key or "", values.model_dump(mode="json"), by=by,
                work=lambda: str(stand_ins.lend(values, on=on, by=by)),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _page(form, status=refusal.status)
    toast("Noted.")
    return done(url_for(".stand_ins_page"))


@bp.post("/stand-ins/<uuid:delegation_id>/end")
@signed_in
def end_stand_in(delegation_id: UUID) -> ResponseReturnValue:
    """Take a lent right back, or give a borrowed one back. Doing it twice changes nothing, so it needs no key."""
    by = actor()
    in_transaction(lambda: stand_ins.revoke(delegation_id, by=by))
    toast("Ended. From now on only the person who lent the right decides by it.")
    return done(url_for(".stand_ins_page"))


def _page(form: Filled[Any] | None, *, status: int = 200) -> Response:
    on, me = clock.business_date(), current_user.staff_id
    shown = stand_ins.concerning(None if current_user.may("approvals.view") else me, on=on)
    here = identity.active_staff()
    return page(
        "approvals/stand_ins.html",
        status=status,
        form=form,
        shown=shown,
        today=on,
        labels=registry.labels(),
        names=identity.names_of([str(one) for lent in shown for one in (lent.lender_id, lent.stand_in_id)]),
        own=stand_ins.decided_by(current_user),
        others=[(person.id, f"{person.name} ({person.username})") for person in here if person.id != me],
        me=me,
    )
