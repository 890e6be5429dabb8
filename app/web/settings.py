"""The settings home: what an administrator changes rarely, each place with a line and how it stands.

Rooms' places are registered by ``create_app``, as those of the navigation are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, url_for
from flask_login import current_user

from app.web import nav
from app.web.access import requires
from app.web.pages import page

bp = Blueprint("settings", __name__, url_prefix="/settings")

HOME = "settings.show"

State = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that can be set: where, by whom, what it is for, and how it stands."""

    section: str
    label: str
    endpoint: str
    permission: str
    line: str
    state: State | None

    @property
    def url(self) -> str:
        """Where it leads."""
        return url_for(self.endpoint)


_places: dict[str, Place] = {}


def register(
    section: str, label: str, endpoint: str, permission: str, line: str, *, state: State | None = None
) -> None:
    """Add a place; sections and places stand in the order in which they are first named."""
    _places[endpoint] = Place(section, label, endpoint, permission, line, state)
    nav.cover(endpoint, by=HOME)


@bp.get("")
@requires("settings.view")
def show() -> Response:
    """Everything that can be set, as far as this person may open it."""
    order = list(dict.fromkeys(place.section for place in _places.values()))
    open_to_me = [place for place in _places.values() if current_user.may(place.permission)]
    open_to_me.sort(key=lambda place: order.index(place.section))
    return page(
        "web/settings.html",
        sections=[(section, list(places)) for section, places in groupby(open_to_me, key=lambda place: place.section)],
    )
