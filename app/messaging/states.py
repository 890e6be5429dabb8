"""What may become of a text message. One table of moves; nothing else changes a state."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.enums import LabelledEnum


class SmsState(LabelledEnum):
    """Where a text is on its way to the member."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Not delivered"
    UNKNOWN = "unknown", "Not certain"

    @property
    def is_final(self) -> bool:
        """Nothing moves it any more."""
        return not SMS_MOVES[self]

    @property
    def may_have_reached_the_member(self) -> bool:
        """Sending it again could tell the member twice."""
        return self in (SmsState.SENDING, SmsState.SENT, SmsState.DELIVERED, SmsState.UNKNOWN)


SMS_MOVES: Mapping[SmsState, frozenset[SmsState]] = {
    SmsState.QUEUED: frozenset({SmsState.SENDING, SmsState.FAILED}),
    # Back to the queue only after a definite refusal that may be tried again.
    SmsState.SENDING: frozenset({SmsState.SENT, SmsState.QUEUED, SmsState.FAILED, SmsState.UNKNOWN}),
    SmsState.SENT: frozenset({SmsState.DELIVERED, SmsState.FAILED}),
    # On evidence, never by sending again.
    SmsState.UNKNOWN: frozenset({SmsState.SENT, SmsState.DELIVERED, SmsState.FAILED}),
    SmsState.DELIVERED: frozenset(),
    SmsState.FAILED: frozenset(),
}
