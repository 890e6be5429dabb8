"""The places of the main navigation, as data: each room registers its own at start-up."""

from __future__ import annotations

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

    @property
    def url(self) -> str:
        return url_for(self.endpoint)

    @property
    def is_here(self) -> bool:
        """True on every page of the same room, so that the reader knows where she is."""
        if "." in self.endpoint and request.blueprint:
            return self.endpoint.rpartition(".")[0] == request.blueprint and (
                self.endpoint == request.endpoint or not _named_elsewhere(request.endpoint)
            )
        return self.endpoint == request.endpoint


_places: dict[str, Place] = {}


def register(
    label: str,
    endpoint: str,
    permission: str | None,
    order: int,
    icon: str,
    *,
    narrow: bool = False,
    group: str = "",
) -> None:
    """Add a place. ``narrow`` puts it into the bottom bar of a phone, ``group`` under a small heading.

    ``permission`` may be None for what everybody who is signed in may open.
    """
    _places[endpoint] = Place(label, endpoint, permission, order, icon, narrow, group)


def places() -> list[Place]:
    """What the person who is signed in may open and what exists in this application, in order."""
    known = current_app.view_functions
    return sorted(
        (
            place
            for place in _places.values()
            if place.endpoint in known and (place.permission is None or current_user.may(place.permission))
        ),
        key=lambda place: place.order,
    )


def narrow_places() -> list[Place]:
    """What fits the bottom bar of a phone beside More, which lists the rest."""
    return [place for place in places() if place.narrow][: MOST_ON_A_PHONE - 1]


def _named_elsewhere(endpoint: str | None) -> bool:
    return endpoint in _places
