"""Texts as a member would read them: SMS is on, and nothing leaves the outbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import select

from app.kernel.database import db
from app.messaging.models import SmsMessage


@contextmanager
def sms_is_on(app: Flask) -> Iterator[None]:
    """As with a provider that is slow: texts are written and wait."""
    before = app.extensions["sms_provider"]
    app.extensions["sms_provider"] = object()
    try:
        yield
    finally:
        app.extensions["sms_provider"] = before


def latest(template: str) -> SmsMessage:
    """The last text of a kind."""
    found = select(SmsMessage).where(SmsMessage.template == template).order_by(SmsMessage.id.desc()).limit(1)
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def number_in(template: str) -> str:
    """The code or PIN that the last text of a kind carries."""
    found = re.search(r"\b\d{4,6}\b", latest(template).secret_text or "")
    assert found, "the text carries no code"
    return found[0]
