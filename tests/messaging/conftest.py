"""A provider that does as it is told, in place of the one at the door of the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.kernel.money import kes
from app.kernel.phones import Phone
from app.kernel.transactions import in_transaction
from app.messaging import jobs, queries, service
from app.messaging.answers import Answer, Outcome
from app.messaging.models import SmsMessage

PHONE = Phone("254711000111")
OTHER_PHONE = Phone("254722000222")

ACCEPTED = Answer(Outcome.ACCEPTED, "Sent", "101", "ATXid_1", Decimal("0.8"), "KES")
REFUSED = Answer(Outcome.REFUSED, "The number is not valid", "403")
RETRY = Answer(Outcome.RETRY, "The provider could not be reached")
HOLD = Answer(Outcome.HOLD, "The SMS account has run out of credit", "405")
UNKNOWN = Answer(Outcome.UNKNOWN, "No answer from the provider (ReadTimeout)")


class Scripted:
    """Keeps what it was asked to send and answers from its list; then it accepts."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.sent: list[tuple[Phone, str]] = []

    def send(self, phone: Phone, text: str) -> Answer:
        self.sent.append((phone, text))
        return self.answers.pop(0) if self.answers else accepted(f"ATXid_{uuid4().hex}")


def accepted(number: str) -> Answer:
    return Answer(Outcome.ACCEPTED, "Sent", "101", number, Decimal("0.8"), "KES")


@contextmanager
def provided(app: Flask, provider: object) -> Iterator[None]:
    before = app.extensions["sms_provider"]
    app.extensions["sms_provider"] = provider
    try:
        yield
    finally:
        app.extensions["sms_provider"] = before


@pytest.fixture
def provider(app: Flask) -> Iterator[Scripted]:
    scripted = Scripted()
    with provided(app, scripted):
        yield scripted


def queue(
    *, cause: tuple[str, str] | None = None, phone: Phone = PHONE, template: str = "member_welcome"
) -> UUID | None:
    """A text in the outbox, saved."""
    facts = {
        "name": "Amina", "number": "M000123", "amount": kes("500"), "purpose": "savings",
        "account": "SV-000123",
    }  # fmt: skip
    about = cause or ("member", str(uuid4()))
    return in_transaction(lambda: service.queue_sms(phone, template, facts, language="en", cause=about))


def send(message_id: UUID) -> SmsMessage:
    """One ring of the bell, and the text afterwards."""
    jobs.send(message_id)
    return queries.get(message_id)
