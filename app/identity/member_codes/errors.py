"""What PINs and codes refuse, in words that a member or an officer can act on."""

from __future__ import annotations

from datetime import timedelta

from app.kernel.errors import Conflict, Invalid, NotAllowed, TooMany


class WrongPin(NotAllowed):
    """This is not the PIN, or there is none; which one is not said."""

    code = "wrong_pin"

    def __init__(self) -> None:
        super().__init__("The PIN is not right.")


class PinLocked(Conflict):
    """The PIN was mistyped too often; it stays locked until somebody at the society resets it."""

    code = "pin_locked"

    def __init__(self) -> None:
        super().__init__("The PIN is locked after three wrong tries. Ask your branch for a new one.")


class PinPaused(TooMany):
    """The PIN was just mistyped; the next try comes too soon."""

    code = "pin_paused"

    def __init__(self, wait: timedelta) -> None:
        seconds = int(wait.total_seconds()) + 1
        super().__init__(f"Wait {_span(seconds)} before the next try.", retry_after_seconds=seconds)


class PinRefused(Invalid):
    """The new PIN is too easy to guess."""

    code = "pin_refused"

    def __init__(self, sentence: str) -> None:
        super().__init__({"pin": sentence})


class CodeBudgetSpent(TooMany):
    """This phone was sent as many codes as a phone gets in an hour or a day."""

    code = "code_budget_spent"

    def __init__(self, wait: timedelta) -> None:
        seconds = int(wait.total_seconds()) + 1
        super().__init__(
            f"This phone was sent many codes already. Nothing was sent; try again in {_span(seconds)}.",
            retry_after_seconds=seconds,
        )


class NoCodeSent(Conflict):
    """Texts are switched off, so no code can reach anybody."""

    code = "no_code_sent"

    def __init__(self) -> None:
        super().__init__("SMS is switched off, so no code can be sent. Nothing was changed.")


def _span(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} {'second' if seconds == 1 else 'seconds'}"
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
    hours = -(-minutes // 60)
    return f"{hours} {'hour' if hours == 1 else 'hours'}"
