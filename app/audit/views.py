"""The audit trail as a page: search, read, leave everything as it is."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.audit import people, queries
from app.audit.queries import Sought
from app.audit.schemas import Filter
from app.web import reach
from app.web.access import requires
from app.web.pages import page

bp = Blueprint("audit", __name__, url_prefix="/audit")


@bp.get("")
@requires("audit.view")
def show() -> ResponseReturnValue:
    """Who did what, when and from where, the newest first."""
    form = Filter.parse(request.args)
    sought = form.values.sought if not form.errors else Sought()
    after = form.values.after if not form.errors else None
    found = queries.events(sought, within=reach.of("audit.view"), after=after)
    chosen = {name: value for name, value in form.typed.items() if value and name != "after"}
    return page(
        "audit/show.html",
        status=422 if form.errors else 200,
        form=form,
        found=found,
        names=queries.names_for(found.items),
        page_of=people.page_of,
        actions=queries.actions(),
        chips=[] if form.errors else _chips(form.values, chosen),
        url_next=_address(chosen, after=found.next) if found.next else None,
        url_first=_address(chosen) if after else None,
    )


def _chips(sought: Filter, chosen: dict[str, str]) -> list[tuple[str, str]]:
    """Each active filter in words, with the address without it."""
    return [
        (words, _address({name: value for name, value in chosen.items() if name != taken_off}))
        for taken_off, words in sought.chips.items()
    ]


def _address(chosen: dict[str, str], *, after: str | None = None) -> str:
    return url_for(".show", **chosen, after=after)  # type: ignore[arg-type]  # the names are the filter's fields
