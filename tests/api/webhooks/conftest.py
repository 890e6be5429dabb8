"""A receiver that listens, and somebody who was told to send to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.api.webhooks import service
from app.api.webhooks.schemas import NewSubscription
from app.kernel.actor import Actor
from app.kernel.transactions import in_transaction
from tests.api.webhooks.receiver import Receiver, listening

BY = Actor.system("tests")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def subscribe(url: str, *events: str) -> tuple[str, str]:
    """A receiver for these events: its id as text, and its signing secret."""
    values = NewSubscription(description="Accounting", url=url, events=list(events or ["payment.succeeded"]))
    subscription_id, secret = in_transaction(lambda: service.subscribe(values, by=BY))
    return str(subscription_id), secret


@pytest.fixture
def subscribed(app: Flask, receiver: Receiver) -> tuple[str, str]:
    return subscribe(receiver.url)
