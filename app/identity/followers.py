"""Rooms above whose records somebody looks after: whoever leaves hands them over. ``create_app`` names the rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.kernel.actor import Actor

LookedAfter = Callable[[UUID], int]
HandOver = Callable[[UUID, UUID, Actor], None]


@dataclass(frozen=True, slots=True)
class Follower:
    """What one room says and does."""

    looked_after: LookedAfter  # how many members this person looks after there
    hand_over: HandOver  # from whom, to whom, by whom; in the same transaction


_followers: dict[str, Follower] = {}


def register(room: str, *, looked_after: LookedAfter, hand_over: HandOver) -> None:
    """Have a room follow who leaves the society's service; called by ``create_app``."""
    _followers[room] = Follower(looked_after, hand_over)


def looked_after(staff_id: UUID) -> int:
    """How many members somebody looks after."""
    return sum(follower.looked_after(staff_id) for follower in _followers.values())


def hand_over(staff_id: UUID, to: UUID, by: Actor) -> None:
    """Give everybody that one person looks after to another."""
    for follower in _followers.values():
        follower.hand_over(staff_id, to, by)
