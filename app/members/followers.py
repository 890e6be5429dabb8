"""Rooms above that must act when a membership changes. The register knows none of them: ``create_app`` names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.kernel.actor import Actor

InTheWayOfLeaving = Callable[[UUID], Sequence[str]]
MoveToBranch = Callable[[UUID, int, Actor], None]
Joined = Callable[[UUID, date, Actor], None]


@dataclass(frozen=True, slots=True)
class Follower:
    """What one room says and does."""

    in_the_way_of_leaving: InTheWayOfLeaving  # what the member must settle before leaving, as sentences
    move_to_branch: MoveToBranch  # what the member has there goes along to another branch, in the same transaction
    joined: Joined | None  # what it does when somebody becomes a member


_followers: dict[str, Follower] = {}


def register(
    room: str,
    *,
    in_the_way_of_leaving: InTheWayOfLeaving,
    move_to_branch: MoveToBranch,
    joined: Joined | None = None,
) -> None:
    """Have a room follow what happens to members; called by ``create_app``."""
    _followers[room] = Follower(in_the_way_of_leaving, move_to_branch, joined)


def joined(member_id: UUID, on: date, by: Actor) -> None:
    """Tell every room that somebody has become a member."""
    for follower in _followers.values():
        if follower.joined:
            follower.joined(member_id, on, by)


def in_the_way_of_leaving(member_id: UUID) -> list[str]:
    """What has to be settled before the member can leave; empty when nothing does."""
    return [sentence for follower in _followers.values() for sentence in follower.in_the_way_of_leaving(member_id)]


def move_to_branch(member_id: UUID, branch_id: int, by: Actor) -> None:
    """Have everything of the member's go along to another branch."""
    for follower in _followers.values():
        follower.move_to_branch(member_id, branch_id, by)
