"""Single values as Daraja writes them: strict when we write, tolerant when we read.

Every function is pure. Writers raise ValueError with a sentence that can stand beside a field; readers raise
`Unreadable`, because what a provider sends is never the user's fault.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from app.kernel.clock import EAT
from app.kernel.money import MAX_CENTS, Money
from app.kernel.phones import Phone

ACCOUNT_REFERENCE_LENGTH = 12  # shown on the prompt; a longer one is refused
DESCRIPTION_LENGTH = 13
BANNED_URL_WORDS = ("mpesa", "m-pesa", "safaricom", "exe", "exec", "cmd", "sql", "query")  # anywhere in an address
TUNNEL_HOSTS = ("ngrok", "requestbin")  # test hosts that registration refuses

_NOT_REFERENCE = re.compile(r"[^A-Z0-9]")
_STAMP = re.compile(r"\d{14}", re.A)
_RECEIPT = re.compile(r"[A-Z0-9]{8,20}", re.A)
_PLACEHOLDER = re.compile(r"\w{0,3}0{7,}", re.A)  # OAK0000000: shared between failures, never a receipt number
_SHORTCODE = re.compile(r"\d{5,9}", re.A)
_AMOUNT = re.compile(r"\d{1,16}(?:\.\d{1,6})?", re.A)
_MOST_DIGITS = 20


class Unreadable(ValueError):
    """A provider's message lacks what it must hold, or holds it in a form that cannot be trusted."""


SMALLEST, LARGEST = Money(100), Money(25_000_000)  # since 15 August 2023


@dataclass(frozen=True, slots=True)
class Limits:
    """What one M-PESA transaction may carry; Safaricom changes these, so they are configuration."""

    minimum: Money = SMALLEST
    maximum: Money = LARGEST


def amount(value: Money, limits: Limits | None = None) -> int:
    """Whole shillings within the limits of one transaction."""
    limits = limits or Limits()
    shillings = value.whole_shillings()
    if not limits.minimum <= value <= limits.maximum:
        raise ValueError(f"M-PESA takes from {limits.minimum} to {limits.maximum} at a time.")
    return shillings


def shortcode(text: str) -> str:
    """A paybill, till or head-office number."""
    digits = text.strip()
    if not _SHORTCODE.fullmatch(digits):
        raise ValueError("Enter the paybill number: 5 to 9 digits.")
    return digits


def account_reference(*numbers: str | None) -> str:
    """What the member reads on the prompt and could type himself: the first of the numbers that fits.

    The account's number comes first, then the member's. Nothing is cut off: a shortened number is another number.
    """
    for number in numbers:
        reference = plain_reference(number or "")
        if 1 <= len(reference) <= ACCOUNT_REFERENCE_LENGTH:
            return reference
    raise ValueError(f"M-PESA shows an account number of at most {ACCOUNT_REFERENCE_LENGTH} letters and digits.")


def plain_reference(text: str) -> str:
    """Letters and digits only, in capitals: how typed account numbers are compared."""
    return _NOT_REFERENCE.sub("", text.upper())


def description(text: str) -> str:
    """The short text of a prompt, cut to what M-PESA takes."""
    words = re.sub(r"[^A-Za-z0-9 ]", "", text).strip()[:DESCRIPTION_LENGTH].strip()
    return words or "Payment"


def callback_url(text: str, *, plain_http: bool = False) -> str:
    """An address that M-PESA will call: https, public, and free of words its gateway filters away.

    ``plain_http`` (the sandbox profile) also lets http and addresses of this machine pass.
    """
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in ({"https", "http"} if plain_http else {"https"}) or not host:
        raise ValueError("The callback address must start with https://.")
    if parts.username or parts.password or parts.query or parts.fragment or any(c.isspace() for c in text):
        raise ValueError("The callback address must be a plain address without user, question mark or #.")
    banned = next((word for word in BANNED_URL_WORDS if word in text.lower()), None)
    if banned:
        raise ValueError(f"M-PESA does not call addresses that contain “{banned}”.")
    if not plain_http and (_is_private(host) or any(tunnel in host for tunnel in TUNNEL_HOSTS)):
        raise ValueError("M-PESA cannot reach this address: it must be a public one.")
    return text


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".localhost"))


def stamp(instant: datetime) -> str:
    """``20261122104100``: a moment on Nairobi's clock."""
    return instant.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def pull_stamp(instant: datetime) -> str:
    """``2026-11-22 10:41:00``: a moment as the pull API wants it."""
    return instant.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S")


def password(business_shortcode: str, passkey: str, timestamp: str) -> str:
    """What authorises a prompt: shortcode, passkey and timestamp in base64, with no separator."""
    return base64.b64encode(f"{business_shortcode}{passkey}{timestamp}".encode()).decode()


def read_json(raw: bytes | str) -> dict[str, Any]:
    """An object in JSON, its numbers exact."""
    try:
        value = json.loads(raw, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as trouble:
        raise Unreadable("This is not JSON.") from trouble
    if not isinstance(value, dict):
        raise Unreadable("This is not a JSON object.")
    return value


def _refuse_constant(name: str) -> None:
    raise Unreadable(f"{name} is not a number.")


class Fields:
    """An object of the provider, asked by name without regard to case, spaces or underscores.

    Daraja writes ``ResponseStatus`` and ``"Response Status"``, ``msisdn`` and ``MSISDN``; unknown names are ignored.
    """

    def __init__(self, values: object) -> None:
        if not isinstance(values, Mapping):
            raise Unreadable("An object was expected.")
        self._values = {_plain_name(str(name)): value for name, value in values.items()}

    def get(self, *names: str) -> Any:
        """The first of the names that is there with a value, as it came."""
        for name in names:
            value = self._values.get(_plain_name(name))
            if value is not None:
                return value
        return None

    def text(self, *names: str) -> str:
        """The value as text, empty where it is missing."""
        return as_text(self.get(*names))

    def needed(self, *names: str) -> str:
        """The value as text; raises `Unreadable` when it is missing."""
        text = self.text(*names)
        if not text:
            raise Unreadable(f"{names[0]} is missing.")
        return text


def _plain_name(name: str) -> str:
    return name.replace(" ", "").replace("_", "").lower()


def as_text(value: object) -> str:
    """A string or number as text; what is neither is unreadable rather than guessed at."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Unreadable("A text or a number was expected.")
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
            raise Unreadable("This number is out of range.")
        return f"{value:f}"  # 2.54708374149E+11 is a phone number too
    return str(value).replace("\x00", "").strip()


def read_amount(value: object) -> Money:
    """Money that the provider reports: ``1``, ``1.00``, ``"5.00"``, ``"1,250.00"``."""
    text = as_text(value).replace(",", "")
    if not _AMOUNT.fullmatch(text):
        raise Unreadable("This is not an amount.")
    try:
        cents = Decimal(text) * 100
    except InvalidOperation as trouble:
        raise Unreadable("This is not an amount.") from trouble
    if cents != cents.to_integral_value() or not 0 < cents <= MAX_CENTS:
        raise Unreadable("This is not an amount in whole cents.")
    return Money(int(cents))


def read_stamp(value: object) -> datetime:
    """``20191219102115`` on Nairobi's clock, as an instant."""
    text = as_text(value).removesuffix(".0")
    if not _STAMP.fullmatch(text):
        raise Unreadable("This is not a time.")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=EAT).astimezone(UTC)
    except (ValueError, OverflowError) as trouble:
        raise Unreadable("This is not a time.") from trouble


@dataclass(frozen=True, slots=True)
class PullTime:
    """When a pulled line says it happened. Its ``Z`` may be meant, or be Nairobi's clock: that is unconfirmed."""

    as_utc: datetime

    @property
    def as_eat(self) -> datetime:
        """The same digits read on Nairobi's clock, three hours earlier."""
        return self.as_utc - timedelta(hours=3)

    def at(self, *, now: datetime) -> datetime:
        """The reading to date money by: as written, unless that lies in the future."""
        return self.as_utc if self.as_utc <= now + timedelta(minutes=5) else self.as_eat


def read_pull_time(value: object) -> PullTime:
    """``2020-08-05T10:13:00Z`` or ``2020-08-05 10:13:00``."""
    text = as_text(value).replace(" ", "T").removesuffix("Z")
    try:
        moment = datetime.fromisoformat(text)
        return PullTime(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as trouble:
        raise Unreadable("This is not a time.") from trouble


def read_receipt(value: object) -> str | None:
    """A receipt number; None for nothing, and for the placeholders that failures share."""
    text = as_text(value).upper()
    if not text or _PLACEHOLDER.fullmatch(text):
        return None
    if not _RECEIPT.fullmatch(text):
        raise Unreadable("This is not a receipt number.")
    return text


def needed_receipt(value: object) -> str:
    """A receipt number that must be there."""
    receipt = read_receipt(value)
    if receipt is None:
        raise Unreadable("The receipt number is missing.")
    return receipt


def read_phone(value: object) -> Phone | None:
    """A payer's number where it is clear, also without its 254; None where it is hashed, masked or absent."""
    text = as_text(value).removeprefix("+")
    if not re.fullmatch(r"(?:254|0)?[17]\d{8}", text, re.A):
        return None
    return Phone("254" + text[-9:])
