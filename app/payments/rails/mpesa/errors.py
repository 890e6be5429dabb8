"""What the rail refuses, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict


class NotSetUp(Conflict):
    """The rail is off, or its settings would make every prompt fail."""

    code = "mpesa_not_set_up"

    def __init__(self, why: str = "") -> None:
        super().__init__(f"M-PESA is not set up: an administrator can do that under Settings. {why}".strip())


class SettingsChanged(Conflict):
    """Somebody else has saved the settings since the page was opened."""

    code = "mpesa_settings_changed"

    def __init__(self) -> None:
        super().__init__("Somebody else has changed these settings since you opened them. Nothing was saved.")
