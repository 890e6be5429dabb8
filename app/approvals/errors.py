"""What is refused here, in words."""

from __future__ import annotations

from uuid import UUID

from app.approvals.states import ApprovalState
from app.kernel.errors import Conflict, Missing, NotAllowed, Refusal


class ApprovalMissing(Missing):
    """There is no such request, or it is not this person's to see."""

    code = "approval_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such request for approval.")


class AlreadyEnded(Conflict):
    """Somebody was faster: it is decided, withdrawn or expired."""

    code = "approval_ended"

    def __init__(self, state: ApprovalState) -> None:
        super().__init__(
            f"This was already ended: {state.label.lower()}. What you pressed changed nothing.", state=state
        )


class Overdue(Conflict):
    """It waited too long; whoever asked may ask again."""

    code = "approval_overdue"

    def __init__(self) -> None:
        super().__init__(
            "The time to decide this is over. Nothing was done; whoever asked for it may ask for it again."
        )


class Stale(Conflict):
    """What the checker saw is not what would be done now."""

    code = "stale_approval"

    def __init__(self) -> None:
        super().__init__(
            "Something has changed since you opened the page. Nothing was done. "
            "Look at what it would do now, then decide."
        )


class OwnRequest(NotAllowed):
    """Whoever asks does not decide."""

    code = "own_request"

    def __init__(self) -> None:
        super().__init__("You asked for this yourself, so somebody else must decide. Nothing was done.")


class SaidAlready(Conflict):
    """Two different people are needed, each by a right of his own."""

    code = "decided_already"

    def __init__(self) -> None:
        super().__init__("You have approved this already. Another person must do so as well. Nothing was done.")


class NoRightToDecide(NotAllowed):
    """The checker has no right that reaches so far, or only up to a smaller amount."""

    code = "no_right_to_decide"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Nothing was done.")


class CommandRefused(Conflict):
    """It was approved, but could not be done as things stand. It goes on waiting."""

    code = "approved_command_refused"

    def __init__(self, approval_id: UUID, why: Refusal) -> None:
        super().__init__(f"This cannot be done as things stand: {why.message} It still waits.", why=why.code)
        self.approval_id = approval_id
        self.why = why


class CommandUnreadable(CommandRefused):
    """What is stored cannot be read any more, or is not what was asked for."""

    code = "approval_unreadable"


class NotYours(NotAllowed):
    """Only whoever asked may withdraw."""

    code = "not_your_request"

    def __init__(self) -> None:
        super().__init__("Only the person who asked for this may withdraw it. Nothing was done.")


class DelegationMissing(Missing):
    """There is no such lent right, or it is somebody else's."""

    code = "delegation_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such stand-in, or it is not yours to end.")


class NothingToLend(NotAllowed):
    """Whoever decides nothing lends nothing; what was borrowed is not lent on."""

    code = "nothing_to_lend"

    def __init__(self) -> None:
        super().__init__("Your own roles let you decide about nothing, so there is nothing to lend. Nothing was done.")


class CommandMissing(Missing):
    """There is no such command."""

    code = "command_not_found"

    def __init__(self) -> None:
        super().__init__("Nothing of this name needs two people.")
