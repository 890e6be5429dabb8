"""What this room refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Missing


class MessageMissing(Missing):
    """There is no such text."""

    code = "message_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such message.")
