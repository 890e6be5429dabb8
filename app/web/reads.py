"""Every record that a page or an endpoint shows is noted: the address names it, or the view does.

A route whose address names a record (``member_id``, ``account_id``, …) needs to do nothing; ``create_app`` tells here
whose record each such name leads to, and a test fails for a name that nobody has thought about. Lists, searches and
exports say it themselves, by ``shown`` or ``audit.viewed``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from app import audit
from app.audit import reads
from app.audit.reads import Seen
from app.kernel.actor import Actor
from app.kernel.errors import Refusal, Trouble
from app.kernel.transactions import in_transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is shown something, and by which session or token."""

    actor: Actor
    session_id: UUID
    branch_id: int


Owners = Callable[[Any], Iterable[object]]
READING = ("GET", "HEAD")

_owners: dict[str, Owners] = {}


def leads_to(argument: str, owners: Owners) -> None:
    """Tell whose records an address shows that has this argument: the ids of members, none if there is none."""
    _owners[argument] = owners


def shown(member_ids: Iterable[object]) -> None:
    """Say whose records a list, a search or a page without a name in its address shows."""
    reader = _reader()
    if reader is not None:
        for member_id in member_ids:
            audit.viewed(("member", member_id), by=reader.actor, what=request.endpoint or "")


def known_arguments() -> frozenset[str]:
    """The arguments of addresses that lead to somebody's record."""
    return frozenset(_owners)


def install(app: Flask) -> None:
    """Write down what each answer showed, before it leaves."""

    @app.after_request
    def note(response: Response) -> Response:
        noted = reads.take_noted()
        if not (noted or _owners.keys() & (request.view_args or {})) or not _is_shown(response):
            return response
        reader = _reader()
        if reader is None:
            return response
        try:
            in_transaction(lambda: _write(noted, reader))
        except (SQLAlchemyError, Refusal, Trouble):
            # The page was made and is shown; that its reader is not on record must be heard of at once.
            log.exception("what was shown could not be written down", extra={"endpoint": request.endpoint})
        return response


def _write(noted: list[Seen], reader: Reader) -> None:
    named = _named_in_address(reader.actor)
    reads.write([*noted, *named], session_id=reader.session_id, branch_id=reader.branch_id)


def _is_shown(response: Response) -> bool:
    """A refusal or a redirect shows nothing; "not modified" shows what the browser has kept."""
    return response.status_code < 300 or response.status_code == 304


def _named_in_address(by: Actor) -> list[Seen]:
    if request.method not in READING:
        return []
    return [
        Seen("member", str(owner), by, request.endpoint or "")
        for argument, value in (request.view_args or {}).items()
        if argument in _owners
        for owner in _owners[argument](value)
    ]


def _reader() -> Reader | None:
    """Who asks, by which session or token; None when nobody has shown who he is."""
    holder = g.get("token_holder")
    if holder is not None:
        return Reader(holder.actor(address=request.remote_addr), holder.token_id, holder.branch_id)
    person = g.get("_login_user")  # whoever Flask-Login has found; asking it now might ask the database
    if person is not None and person.is_authenticated:
        return Reader(person.actor(address=request.remote_addr), person.session_id, person.branch_id)
    return None
