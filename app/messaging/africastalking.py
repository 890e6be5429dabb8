"""Africa's Talking, reduced to sending one text and reading what became of it.

Two pure functions (our words to theirs, theirs to ours) around one HTTP call. The provider knows no idempotency key:
whatever may have been accepted is *unknown* and is never sent again by itself. Only a definite refusal may be retried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from app.kernel.phones import Phone
from app.messaging import gsm
from app.messaging.answers import Answer, Outcome

TIMEOUT_SECONDS = (5, 20)  # to connect; to wait for bytes
LONGEST_ANSWER = 64 * 1024  # bytes; one recipient's answer is a few hundred
LONGEST_DETAIL = 120  # characters of the provider's words that we keep


@dataclass(frozen=True, slots=True)
class Account:
    """The society's account with the provider."""

    username: str
    api_key: str = field(repr=False)
    url: str
    sender_id: str | None = None


# Per recipient. RiskHold is unknown, not retried: the provider keeps the text and may still let it go.
_CODES: Mapping[int, tuple[Outcome, str]] = {
    100: (Outcome.ACCEPTED, "Processed"),
    101: (Outcome.ACCEPTED, "Sent"),
    102: (Outcome.ACCEPTED, "Queued by the provider"),
    401: (Outcome.UNKNOWN, "The provider holds it for a risk check"),
    402: (Outcome.HOLD, "The sender name is not registered with the provider"),
    403: (Outcome.REFUSED, "The number is not valid"),
    404: (Outcome.REFUSED, "The provider cannot text this kind of number"),
    405: (Outcome.HOLD, "The SMS account has run out of credit"),
    406: (Outcome.REFUSED, "The member has blocked our texts"),
    407: (Outcome.RETRY, "The provider found no route to the number"),
    409: (Outcome.REFUSED, "The number does not take texts from us"),
    500: (Outcome.RETRY, "The provider had an internal error"),
    501: (Outcome.RETRY, "The mobile network refused it for now"),
    502: (Outcome.REFUSED, "The provider refused it"),
}

# A whole request can be refused with 201, no recipients and the reason in words.
_HOLD_WORDS = {"InvalidSenderId": _CODES[402], "InsufficientBalance": _CODES[405]}

_UNREADABLE = Answer(Outcome.UNKNOWN, "The provider's answer could not be read")


class AfricasTalkingClient:
    """The bulk SMS door of Africa's Talking for one account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def send(self, phone: Phone, text: str) -> Answer:
        """Hand over one text. Never raises for what the network or the provider does."""
        try:
            with requests.post(
                f"{self.account.url.rstrip('/')}/messaging",
                data=send_form(self.account, phone, text),
                headers={"apiKey": self.account.api_key, "Accept": "application/json"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,  # a provider that sends us elsewhere is misconfigured or not the provider
                stream=True,
            ) as response:
                body = response.raw.read(LONGEST_ANSWER, decode_content=True)
        except requests.RequestException as trouble:
            return read_trouble(trouble)
        except (HTTPError, OSError) as trouble:  # while the body was read: the text may be on its way
            return Answer(Outcome.UNKNOWN, f"The answer broke off ({type(trouble).__name__})")
        return read_send_answer(response.status_code, body, phone)


def send_form(account: Account, phone: Phone, text: str) -> dict[str, str]:
    """The form of the bulk send."""
    form = {"username": account.username, "to": phone.e164, "message": text, "bulkSMSMode": "1"}
    if account.sender_id:
        form["from"] = account.sender_id
    return form


def read_send_answer(status: int, body: bytes, phone: Phone) -> Answer:
    """What an HTTP answer means for the one text that was sent."""
    if status not in (200, 201):
        return _read_http_refusal(status, body)
    try:
        data = json.loads(body)["SMSMessageData"]
        recipients = data["Recipients"]
        if not recipients:
            return _read_empty(str(data.get("Message", "")))
        [recipient] = recipients
        if str(recipient["number"]).lstrip("+") != phone.msisdn:
            return Answer(Outcome.UNKNOWN, "The provider answered for another number")
        return _read_recipient(recipient)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _UNREADABLE


def read_trouble(trouble: requests.RequestException) -> Answer:
    """No answer: a text that never left may be tried again, any other may have been sent."""
    if isinstance(trouble, requests.exceptions.SSLError):
        return Answer(Outcome.HOLD, "The provider's certificate is not trusted")
    if isinstance(trouble, requests.exceptions.ConnectTimeout) or _never_connected(trouble):
        return Answer(Outcome.RETRY, "The provider could not be reached")
    if isinstance(trouble, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Answer(Outcome.HOLD, "The provider's address in the settings is wrong")
    return Answer(Outcome.UNKNOWN, f"No answer from the provider ({type(trouble).__name__})")


def _never_connected(trouble: requests.RequestException) -> bool:
    cause = trouble.args[0] if trouble.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | NameResolutionError)


def _read_http_refusal(status: int, body: bytes) -> Answer:
    """An answer without recipients. A server error may come after the text was taken; a client error came before."""
    words = _words(body.decode("utf-8", "replace"))
    if status >= 500:
        return Answer(Outcome.UNKNOWN, "The provider had an error and may have sent it", code=str(status))
    if status == 429:
        return Answer(Outcome.RETRY, "The provider asks us to slow down", code="429")
    if status in (401, 403):
        return Answer(Outcome.HOLD, f"The provider does not accept our username and key: {words}", code=str(status))
    if status < 400 or status == 404:
        return Answer(Outcome.HOLD, "The provider's address in the settings is wrong", code=str(status))
    return Answer(Outcome.REFUSED, f"The provider refused it: {words}", code=str(status))


def _read_empty(message: str) -> Answer:
    for word, (outcome, detail) in _HOLD_WORDS.items():
        if word.lower() in message.replace(" ", "").lower():
            return Answer(outcome, detail, code=word)
    return Answer(Outcome.REFUSED, f"The provider refused it: {_words(message) or 'no reason given'}")


def _read_recipient(recipient: Mapping[str, Any]) -> Answer:
    code = int(recipient["statusCode"])
    outcome, detail = _CODES.get(code, (Outcome.UNKNOWN, f"The provider said {_words(str(recipient.get('status')))}"))
    currency, cost = _cost(str(recipient.get("cost", "")))
    message_id = str(recipient.get("messageId") or "None")
    if outcome is Outcome.ACCEPTED and message_id == "None":
        return Answer(Outcome.UNKNOWN, "The provider took it but gave it no number", code=str(code))
    known_id = None if message_id == "None" else message_id[:100]
    return Answer(outcome, detail, str(code), known_id, cost, currency)


def _cost(text: str) -> tuple[str | None, Decimal | None]:
    """``KES 0.8000`` in two; ``0`` and anything else cost nothing that we know of."""
    currency, _, amount = text.partition(" ")
    try:
        cost = Decimal(amount)
    except InvalidOperation:
        return None, None
    return (currency, cost) if len(currency) == 3 and cost.is_finite() and 0 <= cost < 10_000 else (None, None)


def _words(text: str) -> str:
    """Somebody else's words, made fit to be stored and shown."""
    return gsm.one_line(text)[:LONGEST_DETAIL]
