"""What is refused in this room, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Missing


class SubscriptionMissing(Missing):
    """There is no such receiver."""

    code = "webhook_missing"

    def __init__(self) -> None:
        super().__init__("There is no such webhook.")


class DeliveryMissing(Missing):
    """There is no such message."""

    code = "webhook_delivery_missing"

    def __init__(self) -> None:
        super().__init__("There is no such message.")


class SubscriptionEnded(Conflict):
    """The receiver was removed, so nothing more is sent to it."""

    code = "webhook_ended"

    def __init__(self) -> None:
        super().__init__("This webhook was removed. Nothing is sent to it any more; add a new one.")


class StillWaiting(Conflict):
    """The message is on its way already."""

    code = "webhook_delivery_waiting"

    def __init__(self) -> None:
        super().__init__("This message is waiting to be sent already.")


class StaleSubscription(Conflict):
    """Somebody else changed the receiver meanwhile."""

    code = "webhook_stale"

    def __init__(self) -> None:
        super().__init__("Somebody else changed this webhook meanwhile. Nothing was saved; this is how it stands now.")
