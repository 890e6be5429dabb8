"""What files are kept for: which kinds are taken, how large, and for how long, each with the rule that says so.

A room names its purposes here when the application starts. How long a file is kept is worked out when it is stored, by
the policy in force on that day: a new policy is added with its date, and what was promised before stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.kernel import clock
from app.kernel.files.kinds import TABLES, Kind

LARGEST_BYTES = 10 * 1024 * 1024  # architecture: files up to 10 MB


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long files are kept that were stored on or after a day. Without ``days`` their room says when they may go."""

    since: date
    days: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a file is for."""

    name: str
    kinds: frozenset[Kind]
    keeping: Sequence[Keeping]  # the newest last
    largest_bytes: int = LARGEST_BYTES
    is_ours: bool = False  # made by this system: neither inspected nor scanned
    is_face: bool = False  # its thumbnail is cut to a square around a face

    def keep_until(self, at: datetime) -> datetime | None:
        """When a file that is stored now may be deleted; None: when its room says so."""
        on = clock.eat(at).date()
        policy = next(policy for policy in reversed(self.keeping) if policy.since <= on)
        return None if policy.days is None else at + timedelta(days=policy.days)


_purposes: dict[str, Purpose] = {}


def register(purpose: Purpose) -> None:
    """Let files be stored for this; called by ``create_app``."""
    _purposes[purpose.name] = purpose


def named(name: str) -> Purpose:
    """The purpose of this name, which a room must have registered."""
    return _purposes[name]


EXPORT = Purpose(
    "export",
    kinds=TABLES,
    keeping=(
        Keeping(date(2000, 1, 1), 7, "Data Protection Act 2019, s. 39: no longer than needed; it can be made again"),
    ),
    largest_bytes=200 * 1024 * 1024,
    is_ours=True,
)
register(EXPORT)
