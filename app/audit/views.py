"""The audit trail as pages: search, read, take away as a table; leave everything as it is."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.audit import people, queries, reads, tables
from app.audit.queries import Sought
from app.audit.reads import SoughtViews
from app.audit.schemas import Filter, ReadsFilter
from app.kernel.errors import Invalid
from app.kernel.files import Kind
from app.kernel.forms import Filled
from app.kernel.transactions import in_transaction
from app.web import reach
from app.web.access import actor, requires
from app.web.pages import done, page, toast

bp = Blueprint("audit", __name__, url_prefix="/audit")

NOT_A_FILTER = ("after", "kind")

Chosen = TypeVar("Chosen", Filter, ReadsFilter)


@bp.get("")
@requires("audit.view")
def show() -> ResponseReturnValue:
    """Who did what, when and from where, the newest first."""
    form = Filter.parse(request.args)
    sought, after = (form.values.sought, form.values.after) if not form.errors else (Sought(), None)
    found = queries.events(sought, within=reach.of("audit.view"), after=after)
    names = queries.names_for(found.items)
    return _list("audit/show.html", ".show", form, found, names, after, actions=queries.actions())


@bp.get("/reads")
@requires("audit.view")
def read() -> ResponseReturnValue:
    """Who was shown whose record, the newest first."""
    form = ReadsFilter.parse(request.args)
    sought, after = (form.values.sought, form.values.after) if not form.errors else (SoughtViews(), None)
    found = reads.views(sought, within=reach.of("audit.view"), after=after)
    return _list("audit/reads.html", ".read", form, found, reads.names_for(found.items), after)


@bp.post("/export")
@requires("audit.export")
def export() -> ResponseReturnValue:
    """Have a table made of what the filter of changes finds."""
    return _export(tables.CHANGES, Filter)


@bp.post("/reads/export")
@requires("audit.export")
def export_reads() -> ResponseReturnValue:
    """Have a table made of what the filter of reads finds."""
    return _export(tables.READS, ReadsFilter)


def _export(name: str, kind_of_form: type[Chosen]) -> ResponseReturnValue:
    form = kind_of_form.parse(request.form)
    if form.errors:
        raise Invalid(form.errors)
    chosen, by, within = form.values, actor(), reach.of("audit.export")
    in_transaction(lambda: tables.ask(name, chosen, within, Kind(chosen.kind or "csv"), by=by))
    toast("The table is being made. It can be fetched here once it is done.")
    return done(url_for("downloads.index"))


def _list(
    template: str, endpoint: str, form: Filled[Any], found: Any, names: Any, after: str | None, **context: Any
) -> Response:
    chosen = _typed(form)
    return page(
        template,
        status=422 if form.errors else 200,
        form=form,
        found=found,
        names=names,
        page_of=people.page_of,
        chosen=chosen,
        chips=[] if form.errors else _chips(endpoint, form.values, chosen),
        url_next=_address(endpoint, chosen, after=found.next) if found.next else None,
        url_first=_address(endpoint, chosen) if after else None,
        **context,
    )


def _typed(form: Filled[Any]) -> dict[str, str]:
    return {name: value for name, value in form.typed.items() if value and name not in NOT_A_FILTER}


def _chips(endpoint: str, sought: Filter | ReadsFilter, chosen: dict[str, str]) -> list[tuple[str, str]]:
    """Each active filter in words, with the address without it."""
    return [
        (words, _address(endpoint, {name: value for name, value in chosen.items() if name != taken_off}))
        for taken_off, words in sought.chips.items()
    ]


def _address(endpoint: str, chosen: dict[str, str], *, after: str | None = None) -> str:
    return url_for(endpoint, **chosen, after=after)  # type: ignore[arg-type]  # the names are the filter's fields
