"""What this room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Missing, TooMany


class MessageMissing(Missing):
    """There is no such text."""

    code = "message_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such message.")


class TextMissing(Missing):
    """There is no text of this name."""

    code = "text_not_found"

    def __init__(self) -> None:
        super().__init__("There is no text of this name.")


class TooManyTexts(TooMany):
    """A phone has had as many texts today as a phone gets."""

    code = "too_many_texts"

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            "This phone has had all the texts that one phone gets in a day. Nothing was sent; try again tomorrow.",
            retry_after_seconds=wait_seconds,
        )
