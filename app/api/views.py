"""The page on which administrators issue and revoke API tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.identity import queries
from app.identity.schemas import NewToken, Rotation
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("api_tokens", __name__, url_prefix="/api-tokens")

OVERLAPS = ((24, "24 hours"), (4, "4 hours"), (1, "1 hour"), (0, "Not at all: it has leaked"))
ENDS_SOON = timedelta(days=14)
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
        soon=clock.now() + ENDS_SOON,
        ending=queries.tokens_ending(before=clock.now() + ENDS_SOON),
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


@bp.get("/<uuid:token_id>/rotate")
@requires("identity.manage_tokens", fresh=True)
def rotation(token_id: UUID) -> ResponseReturnValue:
    """How long the present secret stays good beside a new one."""
    return _rotation(token_id, None)


@bp.post("/<uuid:token_id>/rotate")
@requires("identity.manage_tokens", fresh=True)
def rotate(token_id: UUID) -> ResponseReturnValue:
    """Give a token a new secret and show it, this once."""
    form = Rotation.parse(request.form)
    if form.errors:
        return _rotation(token_id, form, status=422)
    hours, by = form.values.overlap_hours, actor()
    issued = in_transaction(lambda: tokens.rotate(token_id, overlap_hours=hours, by=by))
    token = queries.token(token_id)
    return page("api/token_issued.html", name=token.name, secret=issued.secret, previous_until=token.previous_until)


@bp.post("/<uuid:token_id>/revoke")
@requires("identity.manage_tokens")
def revoke(token_id: UUID) -> ResponseReturnValue:
    """Make a token worthless at once."""
    by = actor()
    in_transaction(lambda: tokens.revoke(token_id, by=by))
    toast("The token is revoked.")
    return done(url_for(".show"))


def _rotation(token_id: UUID, form: Filled[Rotation] | None, *, status: int = 200) -> Response:
    return page("api/rotate_token.html", status=status, form=form, token=queries.token(token_id), overlaps=OVERLAPS)


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
