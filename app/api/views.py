"""The page on which administrators issue and revoke API tokens."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.identity import queries
from app.identity.schemas import NewToken
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("api_tokens", __name__, url_prefix="/api-tokens")

LIVES = ((30, "30 days"), (90, "90 days"), (180, "6 months"), (365, "1 year"))


@bp.get("")
@requires("identity.manage_tokens")
def show() -> ResponseReturnValue:
    """Every token: whose it is, what it may do, when it was last used."""
    return page(
        "api/tokens.html",
        found=queries.tokens(after=request.args.get("after")),
        scopes=SCOPES,
        instant=clock.now(),
    )


@bp.get("/new")
@requires("identity.manage_tokens", fresh=True)
def new() -> ResponseReturnValue:
    """The form for a new token."""
    return _new(None)


@bp.post("")
@requires("identity.manage_tokens", fresh=True)
def issue() -> ResponseReturnValue:
    """Issue a token and show its secret, this once."""
    form = NewToken.parse(request.form)
    if form.errors:
        return _new(form, status=422)
    values, by = form.values, actor()
    try:
        issued = in_transaction(
            lambda: tokens.issue(
                name=values.name, staff_id=values.staff_id, scopes=values.scopes, days=values.days, by=by
            )
        )
    except Invalid as refusal:
        form.refuse(refusal)
        return _new(form, status=refusal.status)
    return page("api/token_issued.html", status=201, name=values.name, secret=issued.secret)


@bp.post("/<uuid:token_id>/revoke")
@requires("identity.manage_tokens")
def revoke(token_id: UUID) -> ResponseReturnValue:
    """Make a token worthless at once."""
    by = actor()
    in_transaction(lambda: tokens.revoke(token_id, by=by))
    toast("The token is revoked.")
    return done(url_for(".show"))


def _new(form: Filled[NewToken] | None, *, status: int = 200) -> Response:
    return page(
        "api/new_token.html",
        status=status,
        form=form,
        chosen=set(request.form.getlist("scopes")) if form else set(),
        owners=[(person.id, f"{person.name} ({person.username})") for person in queries.active_staff()],
        scopes=SCOPES.values(),
        lives=LIVES,
    )
