"""The places of the main navigation, as data: each room registers its own at start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_login import current_user

MOST_ON_A_PHONE = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: where it leads, who may open it, and how it looks."""

    label: str
    endpoint: str
    permission: str | None
    order: int
    icon: str
    narrow: bool
    group: str
    waiting: Callable[[], int] | None

    @property
    def count(self) -> int:
        """How much waits there for the person who is signed in."""
        return self.waiting() if self.waiting else 0

    @property
    def url(self) -> str:
        """Where it leads."""
        return url_for(self.endpoint)

    @property
    def holds_this_page(self) -> bool:
        """True on the place itself and on every page below its address."""
        return _is_below(self.url)


_places: dict[str, Place] = {}
_covered: dict[str, str] = {}


def register(
    label: str,
    endpoint: str,
    permission: str | None,
    order: int,
    icon: str,
    *,
    narrow: bool = False,
    group: str = "",
    waiting: Callable[[], int] | None = None,
) -> None:
    """Add a place. ``narrow`` puts it into the bottom bar of a phone, ``group`` under a small heading.

    ``permission`` may be None for what everybody who is signed in may open. ``icon`` names a drawing of
    ``_ui/icons.html``. ``waiting`` counts what waits there for the person who is signed in, shown beside the label.
    """
    _places[endpoint] = Place(label, endpoint, permission, order, icon, narrow, group, waiting)


def cover(endpoint: str, *, by: str) -> None:
    """Have the pages below ``endpoint`` belong to the place ``by``, which leads to them."""
    _covered[endpoint] = by


def places() -> list[Place]:
    """What the person who is signed in may open and what exists in this application, in order."""
    known = current_app.view_functions
    return sorted(
        (
            place
            for place in _places.values()
            if place.endpoint in known and (place.permission is None or current_user.may(place.permission))
        ),
        key=lambda place: (place.group, place.order),
    )


def narrow_places() -> list[Place]:
    """What fits the bottom bar of a phone beside More, which lists the rest."""
    return [place for place in places() if place.narrow][: MOST_ON_A_PHONE - 1]


def here() -> Place | None:
    """The place this page belongs to: the one with the longest fitting address, or the one that leads to it."""
    shown = places()
    holding = [(place.url, place) for place in shown if place.holds_this_page]
    for endpoint, by in _covered.items():
        leading = next((place for place in shown if place.endpoint == by), None)
        if leading and endpoint in current_app.view_functions and _is_below(url_for(endpoint)):
            holding.append((url_for(endpoint), leading))
    return max(holding, key=lambda one: len(one[0]), default=(None, None))[1]


def _is_below(url: str) -> bool:
    """True on the page of this address and on every page below it."""
    return request.path == url or (url != "/" and request.path.startswith(url.rstrip("/") + "/"))
