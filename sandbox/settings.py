"""The switches of the sandbox: timings, limits and the points on which the provider's documents disagree.

Each has a default, is changed by ``PUT /control/settings`` and survives a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import amounts
from sandbox.books import Tx


def _seconds(value: object) -> str:
    """Seconds with up to three decimals, at most an hour: every wait of the sandbox is bounded."""
    try:
        seconds = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number of seconds") from None
    if isinstance(value, bool) or not seconds.is_finite() or not 0 <= seconds <= 3600:
        raise ValueError("must be from 0 to 3600 seconds")
    return str(seconds)


def _switch(value: object) -> str:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return "true" if value else "false"


def _amount(value: object) -> str:
    return amounts.plain(amounts.to_cents(value))


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise ValueError("must be a text of at most 500 characters")
    return value.strip()


def _whole(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
        raise ValueError("must be a whole number from 1 to 10000")
    return str(value)


def _one_of(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return str(value)

    return check


@dataclass(frozen=True)
class Switch:
    """One setting: how it is read, what it is at first, and what it does."""

    read: Callable[[object], str]
    default: str
    purpose: str


SWITCHES: Mapping[str, Switch] = {
    "profile": Switch(
        _one_of("sandbox", "production"),
        "sandbox",
        "production wants https addresses on public hosts and lets C2B addresses be registered once only",
    ),
    "banned_words": Switch(_switch, "true", "addresses with mpesa, safaricom, exe, exec, cmd, sql, query are refused"),
    "products_off": Switch(_text, "", "products the app is not enabled for, of: stk c2b pull"),
    "token_lifetime_seconds": Switch(_seconds, "3600", "how long an access token is good"),
    "new_token_kills_old": Switch(_switch, "false", "a new access token ends the one before"),
    "prompt_seconds": Switch(_seconds, "1", "from the push to the prompt on the phone"),
    "prompt_timeout_seconds": Switch(_seconds, "60", "how long the prompt waits for the PIN before 1037"),
    "unreachable_seconds": Switch(_seconds, "10", "how long M-PESA tries a phone that is off before 1037"),
    "callback_seconds": Switch(_seconds, "0.2", "from the outcome to its callback"),
    "confirmation_seconds": Switch(_seconds, "0.5", "from the money moving to the C2B confirmation"),
    "validation_seconds": Switch(_seconds, "8", "how long the validation address may take to answer"),
    "query_live_as": Switch(
        _one_of("500.001.1001", "4999"), "500.001.1001", "how the STK query says that a prompt is still open"
    ),
    "busy_line_as": Switch(
        _one_of("error", "result"),
        "error",
        "a second push to a line with an open prompt: refused at once (500.001.1001), or accepted and failed with 1001",
    ),
    "result_codes_as": Switch(_one_of("number", "string"), "number", "ResultCode in STK callbacks"),
    "repeat_rule": Switch(
        _one_of("paid", "any", "off"),
        "paid",
        "17, Rule limited: the same amount by the same customer soon after a paid, or any finished, attempt",
    ),
    "repeat_seconds": Switch(_seconds, "120", "how long the repeat rule looks back"),
    "minimum_amount": Switch(_amount, "1.00", "below it: 2"),
    "maximum_amount": Switch(_amount, "250000.00", "above it: 3"),
    "daily_maximum": Switch(_amount, "500000.00", "of one payer in one day: 4"),
    "pull_keys": Switch(_one_of("plain", "spaced"), "plain", "ResponseStatus or 'Response Status' in pull answers"),
    "pull_time": Switch(_one_of("eat", "utc"), "eat", "what the Z in trxDate really is"),
    "pull_page_rows": Switch(_whole, "100", "rows of one pull answer"),
    "sms_report_url": Switch(_text, "", "where SMS delivery reports are posted; empty: nowhere"),
    "sms_credit": Switch(_amount, "100000.00", "what the SMS account has been paid; below the cost of a text: 405"),
}


class Settings:
    """All switches as they are now, with the types the code wants."""

    def __init__(self, tx: Tx) -> None:
        self._values = {name: switch.default for name, switch in SWITCHES.items()}
        self._values.update({row["name"]: row["value"] for row in tx.execute("SELECT name, value FROM setting")})

    def text(self, name: str) -> str:
        return self._values[name]

    def on(self, name: str) -> bool:
        return self._values[name] == "true"

    def whole(self, name: str) -> int:
        return int(self._values[name])

    def milliseconds(self, name: str) -> int:
        return int(Decimal(self._values[name]) * 1000)

    def cents(self, name: str) -> int:
        return amounts.to_cents(self._values[name])

    def as_json(self) -> dict[str, Any]:
        """What ``GET /control/settings`` shows."""
        return {name: self._as_json(name) for name in SWITCHES}

    def _as_json(self, name: str) -> Any:
        value, read = self._values[name], SWITCHES[name].read
        if read is _switch:
            return value == "true"
        if read is _whole:
            return int(value)
        return value


def change(tx: Tx, changes: Mapping[str, object]) -> None:
    """Set switches. Refuses (ValueError) an unknown name or a value it cannot take; then nothing is changed."""
    for name, value in changes.items():
        if name not in SWITCHES:
            raise ValueError(f"{name}: no such setting")
        try:
            text = SWITCHES[name].read(value)
        except ValueError as refused:
            raise ValueError(f"{name}: {refused}") from None
        tx.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, text)
        )
