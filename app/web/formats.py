"""How amounts, dates and phones look, everywhere: KES 1,250.50, 22 Nov 2026, 10:41 in EAT, 0712 345 678."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Flask

from app.identity import browsers
from app.kernel import clock
from app.kernel.money import Money
from app.kernel.phones import Phone

TONES = {
    "ok": "open succeeded settled active posted delivered registered verified applied",
    "info": "created submitted pending intended queued sending sent waiting",
    "warn": "half_open paid unknown suspense dormant suspended exit_notice held flagged",
    "bad": "failed reversed refused blocked rejected undelivered",
}
"""How a state's badge is toned unless the state says so itself; what is not named here is plain."""

_TONE_OF = {value: tone for tone, values in TONES.items() for value in values.split()}


def money(amount: Money | None) -> str:
    """1,250.50: for table cells, whose head says KES."""
    return "" if amount is None else amount.plain()


def kes(amount: Money | None) -> str:
    """KES 1,250.50: for sentences."""
    return "" if amount is None else str(amount)


def day(value: date | datetime | None) -> str:
    """22 Nov 2026; an instant is told as its day in Nairobi."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = clock.eat(value).date()
    return f"{value.day} {value:%b %Y}"


def weekday(value: date) -> str:
    """Sun 22 Nov 2026."""
    return f"{value:%a} {day(value)}"


def when(instant: datetime | None) -> str:
    """22 Nov 2026, 10:41 in Nairobi."""
    return "" if instant is None else f"{day(instant)}, {clock.eat(instant):%H:%M}"


def clock_time(instant: datetime | None) -> str:
    """10:44:02 in Nairobi, for what happens while one looks."""
    return "" if instant is None else f"{clock.eat(instant):%H:%M:%S}"


def ago(instant: datetime | None) -> str:
    """How long since, in the one unit that matters: just now, 3 min ago, 2 h ago, 5 days ago."""
    if instant is None:
        return ""
    passed = max(clock.now() - instant, timedelta(0))
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min ago"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h ago"
    return "1 day ago" if passed.days == 1 else f"{passed.days} days ago"


def seconds_since(instant: datetime) -> int:
    """How many whole seconds have passed: told by the server, as a browser's clock may be wrong."""
    return max(0, int((clock.now() - instant).total_seconds()))


def phone(value: Phone | str | None) -> str:
    """0712 345 678."""
    return "" if not value else _phone(value).local


def masked(value: Phone | str | None) -> str:
    """0712 ••• 678: enough to recognise, not enough to call."""
    return "" if not value else _phone(value).masked


def tone(state: object) -> str:
    """ok, info, warn or bad for a state's badge; empty for what is neither good nor bad."""
    return getattr(state, "tone", None) or _TONE_OF.get(getattr(state, "value", str(state)), "")


def _phone(value: Phone | str) -> Phone:
    return value if isinstance(value, Phone) else Phone.parse(value)


def install(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.filters |= {
        "money": money,
        "kes": kes,
        "day": day,
        "weekday": weekday,
        "when": when,
        "clock": clock_time,
        "seconds_since": seconds_since,
        "ago": ago,
        "phone": phone,
        "masked": masked,
        "tone": tone,
        "browser": browsers.in_words,
    }
