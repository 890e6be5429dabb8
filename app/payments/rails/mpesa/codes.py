"""What Daraja's codes mean: tables as data, from code and text to an outcome and plain words.

Two rules stand above the tables. Only an exact ``0`` is money. What no table knows is unknown: it is asked about
again, never called failed and never called paid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.payments.rails import Outcome

from .messages import StkResult
from .replies import Fault, Reply, read_fault


class Again(StrEnum):
    """What may be tried after this."""

    NOW = "now"  # the member may be prompted again at once
    LATER = "later"  # again, but only after the pause that M-PESA needs (two minutes and more)
    SAME = "same"  # refused before anything happened: the same request may be repeated after a pause
    TOKEN = "token"  # noqa: S105 - refused for its token: fetch another, repeat once
    SETUP = "setup"  # not before somebody changes our settings
    ASK = "ask"  # never repeat: ask what became of it


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code in our words."""

    outcome: Outcome
    words: str
    again: Again
    pause_seconds: int = 0  # with SAME: the least pause

    @property
    def needs_operator(self) -> bool:
        """Our settings are wrong; nobody else can mend it."""
        return self.again is Again.SETUP


def _failed(words: str, again: Again = Again.NOW) -> Meaning:
    return Meaning(Outcome.FAILED, words, again)


def _setup(words: str) -> Meaning:
    return Meaning(Outcome.FAILED, words, Again.SETUP)


def _wait(words: str, *, pause_seconds: int = 0) -> Meaning:
    return Meaning(Outcome.WAIT, words, Again.SAME, pause_seconds)


PAID = Meaning(Outcome.PAID, "Paid", Again.ASK)
LIVE = Meaning(Outcome.LIVE, "Waiting for the member on the phone", Again.ASK)
ACCEPTED = Meaning(Outcome.ACCEPTED, "Sent to the phone", Again.ASK)
UNKNOWN = Meaning(Outcome.UNKNOWN, "M-PESA has not said what happened: being checked", Again.ASK)
BUSY_LINE = _wait("Another M-PESA request is open on this phone", pause_seconds=60)  # mpesa.md 1.4: a minute or more
NOT_SENT = _wait("M-PESA could not be reached: trying again")
WRONG_KEYS = _setup("The consumer key or secret is wrong")
NOTHING_LEARNED = Meaning(Outcome.WAIT, "M-PESA did not answer the question: asking again", Again.ASK)

STK_RESULTS: dict[str, Meaning] = {
    "0": PAID,
    "1": _failed("Not enough money"),
    "2": _failed("The amount is below what M-PESA takes"),
    "3": _failed("The amount is above what M-PESA takes at a time"),
    "4": _failed("The phone's daily M-PESA limit is reached", Again.LATER),
    "8": _setup("Our paybill has reached its highest balance"),
    "17": _failed("M-PESA refuses the same amount from the same phone twice within two minutes", Again.LATER),
    "1001": _failed("Another M-PESA request is open on this phone", Again.LATER),
    "1019": Meaning(Outcome.EXPIRED, "No answer in time", Again.NOW),
    "1025": _failed("M-PESA could not send the prompt"),
    "9999": _failed("M-PESA could not send the prompt"),
    "1032": Meaning(Outcome.CANCELLED, "Cancelled on the phone", Again.NOW),
    "1037": Meaning(Outcome.EXPIRED, "No answer: the phone may be off", Again.NOW),
    "2001": _failed("Wrong PIN"),
    "2002": _setup("Our till and head office numbers do not belong together"),
    "2028": _setup("Our paybill may not take this kind of payment"),
    "2029": _setup("Our number is a till where a paybill is expected, or the reverse"),
    "8006": _failed("The phone's M-PESA PIN is locked: the member can call 100"),
    "SFC_IC0003": _setup("Our paybill or till number is not known to M-PESA"),
    "4999": LIVE,
}
"""Results of a prompt, by callback or query (reference 3.4). ``26`` (system busy) is left out: it is unknown."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table of refusals: a code and, where one code says many things, a piece of its text."""

    code: str
    text: str
    meaning: Meaning
    on_query: Meaning = NOTHING_LEARNED

    def fits(self, fault: Fault) -> bool:
        has_code = re.fullmatch(self.code, fault.code)  # taste: the patterns are rows of the table below
        return bool(has_code) and self.text.lower() in fault.message.lower()


_TOKEN = Meaning(Outcome.WAIT, "M-PESA wants a new access token: trying again", Again.TOKEN)
_WRONG_URL = _setup("The M-PESA API address is wrong")
_BUSY = _wait("M-PESA is busy: trying again")

REFUSALS: Sequence[_Row] = (
    _Row(r"400\.002\.02", "CheckoutRequestID", UNKNOWN, UNKNOWN),  # too old to ask about: the receipt decides
    _Row(r"400\.002\.02", "PhoneNumber", _failed("M-PESA does not know this phone number")),
    _Row(r"400\.002\.02", "Amount", _failed("M-PESA does not take this amount")),
    _Row(r"400\.002\.02", "CallBackURL", _setup("M-PESA does not accept our callback address")),
    _Row(r"400\.002\.02", "", _setup("M-PESA refuses a field of the request")),
    _Row(r"400\.002\.05", "", _setup("M-PESA could not read the request")),
    _Row(r"400\.003\.01|401\.002\.01|404\.001\.03|401\.001", "", _TOKEN),
    _Row(r"401\.003\.01", "", _TOKEN),
    _Row(r"40[0-9].*|", "invalid access token", _TOKEN),
    _Row(r"400\.001", "", _setup("M-PESA lists no receipts for this paybill: register it for pulled receipts")),
    _Row(r"400\.003\.02", "", _setup("M-PESA misses something in the request")),
    _Row(r"400\.008\.0[12]", "", WRONG_KEYS),
    _Row(r".*", "no apiproduct match", _setup("This M-PESA product is not enabled for our app")),
    _Row(r"403\.002\.1001", "", _setup("Our M-PESA app may not do this")),
    _Row(r"404\.00[123]\.01", "", _WRONG_URL),
    _Row(r"404\.001\.04|405\.001", "", _WRONG_URL),
    _Row(r"500\.001\.1001", "Wrong credentials", _setup("The passkey or shortcode is wrong")),
    _Row(r"500\.001\.1001", "Merchant does not exist", _setup("Our paybill number is not known to M-PESA")),
    _Row(
        r"500\.001\.1001",
        "Unable to lock subscriber",
        _wait("Another M-PESA request is open on this phone", pause_seconds=60),
    ),
    _Row(r"500\.001\.1001", "is being processed", UNKNOWN, LIVE),
    _Row(r"500\.00[23]\.1001|00\.002\.1001", "under maintenance", _wait("M-PESA is under maintenance: trying again")),
    _Row(r"500\.003\.02", "", _BUSY),
    _Row(r"500\.003\.03", "", _wait("Our M-PESA quota is used up: trying again later")),
    _Row(r"500\.003\.1001", "already registered", _setup("Addresses are already registered for this paybill")),
    _Row(r"500\.003\.1001", "Duplicate notification info", _setup("The paybill is still registered elsewhere")),
    _Row(r"policies\.ratelimit\..*", "", _BUSY),
)
"""Refusals at the gateway (reference 1.4), the first line that fits. A line says what a push or registration is left
with; a status query that is refused has learned nothing, unless the line says otherwise."""


def meaning_of_result(code: str) -> Meaning:
    """What became of a prompt, by its result code."""
    return STK_RESULTS.get(code, UNKNOWN)


def meaning_of_refusal(reply: Reply, *, query: bool = False) -> Meaning:
    """What an answer that is no acknowledgement leaves us with.

    A 4xx that no line knows was refused before M-PESA took it; anything else may have been carried out.
    """
    if reply.trouble == "not_sent":
        return NOTHING_LEARNED if query else NOT_SENT
    fault = read_fault(reply)
    row = next((row for row in REFUSALS if row.fits(fault)), None)
    if row is not None:
        keeps = row.meaning.again is Again.TOKEN or not query
        return row.meaning if keeps else row.on_query
    if query:
        return NOTHING_LEARNED
    if reply.status == 429:
        return _BUSY
    if reply.status is not None and 400 <= reply.status < 500 and reply.status != 408:
        return _setup("M-PESA refused the request")
    return UNKNOWN


def meaning_of_query(reply: Reply, result: StkResult | None) -> Meaning:
    """What a status query taught us."""
    return meaning_of_result(result.code) if result is not None else meaning_of_refusal(reply, query=True)
