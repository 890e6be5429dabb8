"""What the society room refuses, in words."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.errors import Conflict, Missing


class StaleDetails(Conflict):
    """Somebody else saved the details since the page was opened."""

    code = "stale_edit"

    def __init__(self) -> None:
        super().__init__(
            "Somebody else changed this since you opened the page. Nothing of yours was saved. "
            "Look at what is there now, then make your change again."
        )


class BranchMissing(Missing):
    """There is no such branch."""

    code = "branch_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such branch.")


class BranchInUse(Conflict):
    """Something stands in the way of closing a branch."""

    code = "branch_in_use"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("The branch stays open: " + " ".join(reasons), reasons=list(reasons))


class DayMissing(Missing):
    """Nothing was decided for this day."""

    code = "calendar_day_not_found"

    def __init__(self) -> None:
        super().__init__("Nothing was decided for this day.")
