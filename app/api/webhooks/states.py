"""The states of subscriptions and deliveries, with the words people see."""

from __future__ import annotations

from app.kernel.enums import LabelledEnum


class SubscriptionState(LabelledEnum):
    """Whether a receiver is told anything."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ENDED = "ended", "Removed"

    @property
    def tone(self) -> str:
        """How its badge looks."""
        return {"active": "ok", "paused": "warn", "ended": ""}[self.value]


class DeliveryState(LabelledEnum):
    """What became of one message to one receiver."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"
    DROPPED = "dropped", "Not sent"

    @property
    def tone(self) -> str:
        """How its badge looks."""
        return {"waiting": "info", "delivered": "ok", "given_up": "bad", "dropped": ""}[self.value]


DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.DELIVERED, DeliveryState.GIVEN_UP, DeliveryState.DROPPED}),
    # Sent again because somebody asked for it: the receiver knows the message by its id.
    DeliveryState.DELIVERED: frozenset({DeliveryState.WAITING}),
    DeliveryState.GIVEN_UP: frozenset({DeliveryState.WAITING}),
    DeliveryState.DROPPED: frozenset({DeliveryState.WAITING}),
}
