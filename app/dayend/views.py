"""The close of day as a page: how far the last days are, and a button that starts what midnight starts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.dayend import queries
from app.kernel.actor import Actor
from app.kernel.doorbell import ring
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("dayend", __name__, url_prefix="/dayend")


@bp.get("")
@requires("dayend.run")
def show() -> ResponseReturnValue:
    """The last business days and the steps of their close."""
    return page("dayend/show.html", fragment="dayend/_days.html", **_shown())


@bp.post("/run")
@requires("dayend.run")
def run() -> ResponseReturnValue:
    """Start the close of what is over. A job does it; the page shows how far it is."""
    by = actor()
    in_transaction(lambda: _ask(by))
    toast("The close of day has started.")
    return done(url_for(".show"), fragment="dayend/_days.html", **_shown())


def _ask(by: Actor) -> None:
    audit.record("dayend.run_asked", subject=("business_day", ledger.business_date()), by=by)
    ring("dayend.run", by.principal)


def _shown() -> dict[str, Any]:
    if not ledger.books_are_open():
        return {"business_date": None, "days": []}
    return {"business_date": ledger.business_date(), "days": queries.latest_days()}
