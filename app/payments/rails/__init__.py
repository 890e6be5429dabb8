"""The rails that money moves on: one protocol, one value for what a provider answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from flask import current_app

from app.kernel.errors import Invalid
from app.kernel.money import Money
from app.kernel.phones import Phone

if TYPE_CHECKING:
    from app.payments.models import Payment


class Outcome(Enum):
    """What an answer says about the money; a code that is in no table is UNKNOWN, never failed and never paid."""

    ACCEPTED = auto()  # the request is queued, nothing more
    LIVE = auto()  # still in progress
    PAID = auto()  # the provider says paid; without a receipt number nothing is posted
    FAILED = auto()
    CANCELLED = auto()  # by the person on the phone
    EXPIRED = auto()  # nobody answered
    UNKNOWN = auto()  # may or may not have happened: ask, never resend
    WAIT = auto()  # refused before anything was done: the same request may be sent again after a pause


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a provider: what it says about the money, in its code and in our plain words."""

    outcome: Outcome
    detail: str
    code: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # the provider's own identifiers
    raw: str = field(default="", repr=False)  # as it came; stored encrypted
    pause_seconds: int = 0  # with WAIT: the least pause that the provider needs before the same request


class Rail(Protocol):
    """What payments asks of a rail.

    ``request_for``, ``question_for``, ``prepare``, ``record`` and ``seek`` run inside the caller's transaction;
    ``send`` and ``ask`` talk to the provider and are called while no transaction is open.
    """

    name: str
    label: str  # "M-PESA prompt", in the method selector

    def is_ready(self) -> bool:
        """Whether the rail is configured; one that is not is not offered."""

    def check(self, phone: Phone, amount: Money) -> None:
        """Refuse with Invalid what the rail cannot carry."""

    def prepare(self, payment: Payment, *, account_reference: str) -> None:
        """Add the rail's own record of a payment that was just created."""

    def request_for(self, payment: Payment) -> Any:
        """Everything that ``send`` needs, as plain values."""

    def send(self, request: Any) -> Answer:
        """Ask the provider to move the money. Never raises for what the provider or the network does."""

    def question_for(self, payment: Payment) -> Any | None:
        """Everything that ``ask`` needs, or None where there is nothing to ask by."""

    def ask(self, question: Any) -> Answer:
        """Ask the provider what became of it."""

    def record(self, payment: Payment, answer: Answer) -> None:
        """Keep the provider's identifiers and the answer as it came."""

    def seek(self, payment: Payment) -> None:
        """Have the receipt of this payment looked for, soon."""


def register(rail: Rail) -> None:
    """Offer a rail; called by ``create_app``."""
    current_app.extensions.setdefault("rails", {})[rail.name] = rail


def get(name: str) -> Rail:
    """The rail of a payment."""
    rail: Rail = current_app.extensions["rails"][name]
    return rail


def chosen(name: str) -> Rail:
    """The rail that somebody picked for a prompt. Refuses with Invalid what is not offered."""
    rail = next((rail for rail in ready() if rail.name == name), None)
    if rail is None:
        raise Invalid({"rail": "Choose one of the methods that are set up."})
    return rail


def ready() -> list[Rail]:
    """The rails that can take a prompt now, for the method selector."""
    return [rail for rail in current_app.extensions.get("rails", {}).values() if rail.is_ready()]
