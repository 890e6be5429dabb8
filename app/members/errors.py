"""What the register of members refuses, in words."""

from __future__ import annotations

from uuid import UUID

from app.kernel.errors import Conflict, Invalid, Missing
from app.members.states import MemberStatus

_WORDS = {"national_id": "national ID", "kra_pin": "KRA PIN", "payment_phone": "payment phone"}


class MemberMissing(Missing):
    """There is no such member."""

    code = "member_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such member.")


class AlreadyRegistered(Invalid):
    """The national ID, KRA PIN or payment phone belongs to another membership that has not ended.

    Whoever shows this adds a link to that member if the person asking may see members.
    """

    code = "already_registered"
    status = 409

    def __init__(self, field: str, *, member_id: UUID) -> None:
        sentence = f"Another member is registered with this {_WORDS[field]}."
        super().__init__({field: sentence}, f"{sentence} Nothing was saved.")
        self.field = field
        self.member_id = member_id


class StaleEdit(Conflict):
    """Somebody else saved the member since the page was opened."""

    code = "stale_edit"

    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this member since you opened the page. Nothing of yours was saved. "
            "Look at what is there now, then make your change again."
        )


class MoveRefused(Conflict):
    """The table of moves does not lead from this status to that one."""

    code = "status_move_refused"

    def __init__(self, current: MemberStatus, target: MemberStatus) -> None:
        super().__init__(
            f"A member who is “{current.label}” cannot be made “{target.label}”. Nothing was changed.",
            current=current,
            target=target,
        )


class NotClear(Conflict):
    """Something still stands in the way of leaving: money, a loan, a guarantee."""

    code = "member_not_clear"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(f"The member cannot leave yet. {' '.join(reasons)} Nothing was changed.", reasons=reasons)
