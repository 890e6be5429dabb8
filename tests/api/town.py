"""A small society behind a real port, for programs: members with savings, payments, money in suspense, and a token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import waitress.server
from flask import Flask

from app.demo.load import load
from app.identity.scopes import SCOPES
from app.identity.service import tokens
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.members import queries as members
from app.members.models import Member
from app.payments import queries as payments
from app.payments.destinations import Purpose
from app.payments.rails.mpesa.arrivals import CLEARING_ACCOUNT
from app.payments.receipts import ReceivedMoney
from app.payments.service import Intended, PaymentService
from app.savings import queries as savings
from tests.harness.people import hire
from tests.harness.servers import DEMO_PASSWORD

BY = Actor.system("tests")


@dataclass(frozen=True, slots=True)
class Town:
    """Where the society answers, what to show it, and some of what is in it."""

    url: str
    token: str
    member_id: str
    member_number: str
    account_id: int
    account_number: str
    payment_id: str
    allocation_ids: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def running_town(app: Flask, *, members_count: int = 8) -> Iterator[Town]:
    """Fill an empty database, and serve it on a port of its own."""
    app.testing = False  # a mistake becomes a 500, as it does for real
    with app.app_context():
        town = fill(app, members_count=members_count)
    server = waitress.server.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield replace(town, url=f"http://127.0.0.1:{server.effective_port}")
    finally:
        server.close()  # a connection that is kept alive may outlive this by a while, and holds nothing
        thread.join(1)


def fill(app: Flask, *, members_count: int) -> Town:
    """Make the society. Nobody is at its M-PESA's address: what is asked of M-PESA waits."""
    app.extensions["settings"] = replace(
        app.extensions["settings"],
        mpesa_api_url="http://127.0.0.1:9/daraja",
        mpesa_shortcode="174379",
        mpesa_consumer_key="consumer-key-of-tests",
        mpesa_consumer_secret="consumer-secret-of-tests",
        mpesa_passkey="a-passkey-of-tests",
    )
    in_transaction(lambda: load(members_count, seed=7, password=DEMO_PASSWORD))
    return _told()


def _told() -> Town:
    able = [
        (one.id, one.number, savings.accounts_of(one.id)[0])
        for one in db.session.query(Member).order_by(Member.number)
        if savings.accounts_of(one.id) and members.payment_phone(one.id)
    ]
    (member_id, member_number, account), (prompted_id, _, prompted_account) = able[0], able[1]
    phone = members.payment_phone(prompted_id)
    assert phone is not None
    share = Intended(Purpose.SAVINGS_DEPOSIT, prompted_account.id, kes("1,500"))
    payment_id = in_transaction(lambda: PaymentService(BY).prompt(prompted_id, phone=phone, intended=[share]))
    for number in range(3):
        in_transaction(lambda number=number: PaymentService(BY).receive(some_money(number), prompt=None))
    owner = hire("administrator")
    issued = in_transaction(lambda: tokens.issue(name="town", staff_id=owner, scopes=SCOPES.keys(), days=30, by=BY))
    waiting = tuple(str(one.id) for one in payments.suspense().items)
    return Town("", issued.secret, str(member_id), member_number, account.id, account.number, str(payment_id), waiting)


def some_money(number: int) -> ReceivedMoney:
    """Money for an account that nobody knows."""
    return ReceivedMoney(
        rail="mpesa",
        receipt_number=f"UKK{number:07}",
        amount=kes("250"),
        paid_at=clock.now() - timedelta(minutes=5),
        payer_phone=None,
        payer_name="NICHOLAS",
        account_text="SHAMBA",
        clearing_account=CLEARING_ACCOUNT,
        channel="confirmation",
    )
