"""The search in the header of every page: members, receipts, phones and accounts, as you type.

Rooms register what they can find; this page asks each and shows what came, grouped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, Response, request
from flask_login import current_user

from app.web import reads
from app.web.access import signed_in
from app.web.pages import done, page, wants_fragment

bp = Blueprint("search", __name__)

SHORTEST = 2
LONGEST = 60
AS_YOU_TYPE = 5
ON_THE_PAGE = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: what it is, something to tell it from others, and where it leads."""

    label: str
    note: str
    url: str
    member_id: UUID | None = None  # whose record it shows, to be written down


Finder = Callable[[str, int], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class Found:
    """What one room found."""

    heading: str
    hits: Sequence[Hit]


_finders: dict[str, tuple[str, Finder]] = {}


def register(heading: str, permission: str, find: Finder) -> None:
    """Let a room answer: ``find(text, limit)``, asked only for those who hold the permission."""
    _finders[heading] = (permission, find)


def find(text: str, *, limit: int) -> list[Found]:
    """Ask every room that this person may look into; rooms without a hit are left out."""
    if len(text) < SHORTEST:
        return []
    asked = ((heading, ask(text, limit)) for heading, (needed, ask) in _finders.items() if current_user.may(needed))
    return [Found(heading, hits) for heading, hits in asked if hits]


@bp.get("/search")
@signed_in
def show() -> Response:
    """The search as a page of its own."""
    return page("web/search.html", text="", found=[], shortest=SHORTEST)


@bp.post("/search")
@signed_in
def look_up() -> Response:
    """What was found. A single hit is opened at once.

    Phones and ID numbers are typed here, so the text travels in the body: addresses end up in logs and histories.
    """
    text = " ".join(request.form.get("q", "")[:LONGEST].split())
    found = find(text, limit=AS_YOU_TYPE if wants_fragment() else ON_THE_PAGE)
    hits = [hit for group in found for hit in group.hits]
    reads.shown(hit.member_id for hit in hits if hit.member_id)
    if len(hits) == 1 and not wants_fragment():
        return done(hits[0].url)
    return page("web/search.html", fragment="web/_found.html", text=text, found=found, shortest=SHORTEST)
