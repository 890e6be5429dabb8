"""Where a request for approval may stand, and the one table of moves."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class ApprovalState(LabelledEnum):
    """Where a stored command stands."""

    WAITING = "waiting", "Waiting"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"

    @property
    def is_open(self) -> bool:
        """Somebody may still decide."""
        return self is ApprovalState.WAITING

    @property
    def tone(self) -> str:
        """How its badge looks."""
        return _TONES.get(self, "")


class Verdict(LabelledEnum):
    """What a checker says."""

    APPROVE = "approve", "Approved"
    REFUSE = "refuse", "Refused"


_TONES = {ApprovalState.WAITING: "info", ApprovalState.APPROVED: "ok", ApprovalState.REFUSED: "bad"}

MOVES: dict[ApprovalState, frozenset[ApprovalState]] = {
    ApprovalState.WAITING: frozenset(ApprovalState) - {ApprovalState.WAITING},
    ApprovalState.APPROVED: frozenset(),
    ApprovalState.REFUSED: frozenset(),
    ApprovalState.WITHDRAWN: frozenset(),
    ApprovalState.EXPIRED: frozenset(),
}
"""Nothing comes back: what was refused, withdrawn or forgotten is asked for anew, and looked at anew."""
