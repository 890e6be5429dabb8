"""Whose records a request may have: checked for what its address names, before any view is reached.

Rooms say where their records belong (``locate``); the gate compares that with how far the right of whoever asks
extends. What is out of reach and what does not exist get one and the same answer, by the same way, so that nobody can
find out by asking which members another branch has. Lists are narrowed by ``of(permission)``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from flask import Flask, current_app, g, request

from app import audit
from app.identity.principal import Holder
from app.kernel.errors import Missing
from app.kernel.reach import Whereabouts, Within
from app.kernel.transactions import in_transaction

log = logging.getLogger(__name__)

Find = Callable[[Any], Whereabouts | None]


class RecordMissing(Missing):
    """There is no such record, or it is not this person's to see: the same words for both."""

    def __init__(self) -> None:
        super().__init__("There is no such record, or it is not one that your role lets you see.")


@dataclass(frozen=True, slots=True)
class Locator:
    """How the record that an argument of an address names is found."""

    find: Find | None
    missing: Callable[[], Missing]


def locate(app: Flask, argument: str, find: Find, *, missing: Callable[[], Missing] = RecordMissing) -> None:
    """Say where a record belongs that addresses name by this argument: ``find(value)``, or None if there is none.

    ``missing`` is what a person is told who asks for one that does not exist, or is not theirs to see.
    """
    _locators(app)[argument] = Locator(find, missing)


def names_no_record(app: Flask, *arguments: str) -> None:
    """Say that these arguments name no record of anybody, but one of a few known words."""
    _locators(app).update(dict.fromkeys(arguments, Locator(None, RecordMissing)))


def known(app: Flask) -> Mapping[str, Locator]:
    """What is registered, by the name of the argument."""
    return _locators(app)


def asking() -> Holder:
    """Who is behind this request: somebody who is signed in, or the owner of its token."""
    holder = g.get("asking")
    assert isinstance(holder, Holder), "the gate lets nobody else through"
    return holder


def of(permission: str) -> Within:
    """Whose records this request may have by a permission; for queries: ``within=reach.of("members.view")``."""
    return asking().within(permission)


def check(holder: Holder, permission: str | None) -> None:
    """Refuse an address that names a record beyond the holder's reach; without a permission, one that isn't his own.

    Whoever reaches the whole society is let through: the room itself says what does not exist, and there is nothing
    to hide from him.
    """
    within = holder.own if permission is None else holder.within(permission)
    if within.is_everywhere:
        return
    for argument, value in (request.view_args or {}).items():
        locator = _locators(current_app).get(argument)
        if locator is None:
            log.error("no room says where this belongs, so it is refused", extra={"argument": argument})
            raise RecordMissing
        if locator.find is None:
            continue
        place = locator.find(value)
        if place is None or not within.holds(place):
            _refuse(holder, argument, value, locator)


def _refuse(holder: Holder, argument: str, value: object, locator: Locator) -> NoReturn:
    """Answer as if there were nothing, and write it down either way: one who guesses leaves a trail of both."""
    kind, named = argument.removesuffix("_id"), value if isinstance(value, UUID | int) else "not kept"
    by, branch_id, endpoint = holder.actor(address=request.remote_addr), holder.branch_id, request.endpoint
    audit.notice("record_out_of_reach", staff_id=by.id, record=kind, endpoint=endpoint)
    in_transaction(
        lambda: audit.record(
            "identity.record_denied", subject=(kind, named), by=by, after={"endpoint": endpoint}, branch_id=branch_id
        )
    )
    raise locator.missing()


def _locators(app: Flask) -> dict[str, Locator]:
    locators: dict[str, Locator] = app.extensions.setdefault("locators", {})
    return locators
