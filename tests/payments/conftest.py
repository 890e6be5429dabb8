"""The small society that the tests of payments share with those of its rails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.demo import load
from app.kernel.money import Money
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.messaging import provider
from tests.harness.people import hire, signed_in_client
from tests.harness.servers import DEMO_PASSWORD
from tests.payments.mpesa import conftest as mpesa
from tests.payments.mpesa.conftest import paybill, society

__all__ = ["paybill", "society"]


@pytest.fixture
def signed_in(app: Flask, society: mpesa.Society) -> Callable[[str], FlaskClient]:
    """Somebody with this role who works at the branch of the society's members."""
    branch_id = members.get(society.member_id).branch_id
    return lambda role: signed_in_client(app, hire(role, branch_id=branch_id))


@pytest.fixture
def texts(app: Flask) -> Iterator[None]:
    """SMS is on; nobody sends what lies in the outbox."""
    settings = app.extensions["settings"]
    provider.install(app, replace(settings, africastalking_username="sandbox", africastalking_api_key="of-tests"))
    yield
    provider.install(app, settings)


@dataclass(frozen=True)
class CommittedSociety:
    """The same society in a database that really commits, for threads and processes."""

    app: Flask
    someone: mpesa.Society

    @property
    def reference(self) -> str:
        return self.someone.reference

    def prompt(self, amount: str = "1,500") -> UUID:
        """A prompt that M-PESA has acknowledged."""
        with self.app.app_context():
            return mpesa.sent(self.someone, amount)

    def balance(self) -> Money:
        with self.app.app_context():
            return self.someone.balance()


@pytest.fixture
def committed_society(committed_app: Flask, clock: Any) -> CommittedSociety:
    """Three members with savings, and the paybill, on 20 November 2026."""
    clock.set(mpesa.NOON)
    mpesa.use_settings(
        committed_app,
        mpesa_api_url="http://127.0.0.1:9/daraja",
        mpesa_shortcode=mpesa.SHORTCODE,
        mpesa_consumer_key="consumer-key-of-tests",
        mpesa_consumer_secret="consumer-secret-of-tests",
        mpesa_passkey=mpesa.PASSKEY,
        base_url="http://127.0.0.1:8000",
    )
    with committed_app.app_context():
        in_transaction(lambda: load.load(3, seed=7, password=DEMO_PASSWORD))
        return CommittedSociety(committed_app, mpesa.someone())
