"""What a person may do, with whose records, and up to which amount: added up from the roles that the person has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.kernel.money import Money
from app.kernel.reach import Reach


@dataclass(frozen=True, slots=True)
class Right:
    """One permission as somebody holds it: how far it extends, and up to which amount (none: no limit)."""

    reach: Reach
    limit: Money | None = None

    def covers(self, amount: Money) -> bool:
        """Whether the limit allows this amount; the limit itself is still allowed."""
        return self.limit is None or amount <= self.limit

    def contains(self, other: Right) -> bool:
        """Whether whoever holds this one holds the other with it."""
        is_enough = self.limit is None or (other.limit is not None and other.limit <= self.limit)
        return is_enough and self.reach.width >= other.reach.width

    def joined_with(self, other: Right) -> Right:
        """What two roles give together: the wider reach, and the higher limit."""
        reach = max(self.reach, other.reach, key=lambda reach: reach.width)
        if self.limit is None or other.limit is None:
            return Right(reach)
        return Right(reach, max(self.limit, other.limit))


WITH_A_LIMIT = frozenset({"payments.prompt", "payments.allocate", "ledger.approve"})
"""Permissions under which an amount is compared with a limit."""

Rights = Mapping[str, Right]
"""By permission."""


def together(held: Iterable[tuple[str, Right]]) -> dict[str, Right]:
    """What all roles of a person give, from what each of them gives."""
    rights: dict[str, Right] = {}
    for permission, right in held:
        known = rights.get(permission)
        rights[permission] = known.joined_with(right) if known else right
    return rights
