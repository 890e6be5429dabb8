"""What the close of day refuses."""

from __future__ import annotations

from datetime import date

from app.kernel.errors import Conflict


class DayNotOver(Conflict):
    """Somebody wants to close a day that has not ended."""

    code = "day_not_over"

    def __init__(self, on: date, business_date: date) -> None:
        super().__init__(
            f"{on:%-d %b %Y} is not over: the business date is {business_date:%-d %b %Y}. A day is closed once the"
            " next one has begun.",
            on=on.isoformat(),
            business_date=business_date.isoformat(),
        )
