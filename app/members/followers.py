"""Rooms above that must act when a membership changes. The register knows none of them: ``create_app`` names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.kernel.actor import Actor

InTheWayOfLeaving = Callable[[UUID], Sequence[str]]
MoveToBranch = Callable[[UUID, int, Actor], None]


@dataclass(frozen=True, slots=True)
class Follower:
    """What one room says and does."""

    in_the_way_of_leaving: InTheWayOfLeaving  # what the member must settle before leaving, as sentences
    move_to_branch: MoveToBranch  # what the member has there goes along to another branch, in the same transaction


_followers: dict[str, Follower] = {}


def register(room: str, *, in_the_way_of_leaving: InTheWayOfLeaving, move_to_branch: MoveToBranch) -> None:
    """Have a room follow what happens to members; called by ``create_app``."""
    _followers[room] = Follower(in_the_way_of_leaving, move_to_branch)


def in_the_way_of_leaving(member_id: UUID) -> list[str]:
    """What has to be settled before the member can leave; empty when nothing does."""
    return [sentence for follower in _followers.values() for sentence in follower.in_the_way_of_leaving(member_id)]


def move_to_branch(member_id: UUID, branch_id: int, by: Actor) -> None:
    """Have everything of the member's go along to another branch."""
    for follower in _followers.values():
        follower.move_to_branch(member_id, branch_id, by)
