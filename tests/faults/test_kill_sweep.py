"""A job is killed at each of its steps in turn; the money is in the ledger once, or not at all and known.

The steps are all commits and all calls to a provider, before and after. The killed job is a process of its own; web
server, PostgreSQL, Redis and the simulated provider are real. Healing is the sweep's, with the clock moved on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import requests
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app.demo import load
from app.kernel import doorbell
from app.kernel.database import db
from app.kernel.money import Money, kes
from app.kernel.transactions import in_transaction
from app.ledger import verify
from app.messaging import provider
from app.messaging.models import SmsMessage, SmsState
from app.payments import jobs
from app.payments.models import CallbackWork
from app.payments.states import PaymentState
from tests.harness.clock import SettableClock
from tests.harness.servers import DEMO_PASSWORD, Servers
from tests.payments.mpesa.conftest import Society, payment, prompt, someone, use_settings
from tests.sandbox.server import Sandbox, free_port

MOST_STEPS = 60
SEARCHED_FOR = timedelta(minutes=6)  # questions and searches have had their turn by then
ROUNDS = 60
KILLED = -signal.SIGKILL


class Life:
    """Counts the steps of a process and ends it, as a power cut would, at the one that was chosen."""

    def __init__(self, last_step: int) -> None:
        self.left = last_step

    def step(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        event.listen(Session, "before_commit", self.step)
        event.listen(Session, "after_commit", self.step)
        send = requests.Session.send

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step()
            answer = send(*args, **kwargs)
            self.step()
            return answer

        requests.Session.send = counted  # type: ignore[method-assign]  # in a process that is about to end


class Quarter:
    """A society on a database of its own, with a web server that its provider can call."""

    def __init__(self, app: Flask, clock: SettableClock, sandbox: Sandbox) -> None:
        self.app, self.clock, self.sandbox = app, clock, sandbox
        self.amount = 100

    def next_amount(self) -> str:
        """M-PESA refuses the same amount from the same phone within two minutes."""
        self.amount += 1
        return str(self.amount)

    def run_until(self, last_step: int, work: Callable[[], None]) -> int:
        """Run ``work`` in a process that dies at ``last_step``; returns its exit code."""

        def live() -> None:
            Life(last_step).watch()
            with self.app.app_context():
                db.engine.dispose(close=False)
                work()

        child = multiprocessing.get_context("fork").Process(target=live)
        child.start()
        child.join(60)
        assert child.exitcode is not None, "the job hangs"
        return child.exitcode

    def heal(self, is_healed: Callable[[], bool]) -> None:
        """What scheduler and workers do, with the clock moved on until nothing is left to do."""
        for _ in range(ROUNDS):
            if is_healed():
                return
            for search in list(doorbell._sweeps.values()):
                for name, args in search():
                    doorbell.answer(name, *map(str, args))
            time.sleep(0.15)  # the provider lives by the machine's clock
            self.clock.forward(seconds=20)
        raise AssertionError("it did not heal")


@pytest.fixture
def quarter(servers: Servers, committed_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    clock = committed_app.extensions["clock"]
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "books")
    sandbox.settings(prompt_seconds=0.05, callback_seconds=0.05, confirmation_seconds=0.1, prompt_timeout_seconds=3)
    port = free_port()
    credentials = sandbox.control("GET", "/credentials")
    use_settings(
        committed_app,
        base_url=f"http://127.0.0.1:{port}",
        mpesa_api_url=f"{sandbox.url}/daraja",
        mpesa_shortcode=credentials["daraja"]["shortcode"],
        mpesa_passkey=credentials["daraja"]["passkey"],
        mpesa_consumer_key=credentials["daraja"]["consumer_key"],
        mpesa_consumer_secret=credentials["daraja"]["consumer_secret"],
        africastalking_api_url=f"{sandbox.url}/africastalking/version1",
        africastalking_username=credentials["africastalking"]["username"],
        africastalking_api_key=credentials["africastalking"]["api_key"],
    )
    provider.install(committed_app, committed_app.extensions["settings"])
    with committed_app.app_context():
        in_transaction(lambda: load.load(3, seed=7, password=DEMO_PASSWORD))
        phone = someone().phone.msisdn
    sandbox.phone(phone, balance=200_000, auto_answer="pin", delay_seconds=0.1)
    server = multiprocessing.get_context("fork").Process(target=_serve, args=(committed_app, port))
    server.start()
    try:
        yield Quarter(committed_app, clock, sandbox)
    finally:
        server.kill()
        server.join()
        sandbox.stop()
        clock.run()


def _serve(app: Flask, port: int) -> None:
    with app.app_context():
        db.engine.dispose(close=False)
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def money_at_provider(quarter: Quarter, society: Society) -> list[Money]:
    lines = quarter.sandbox.lines_of(society.phone.msisdn)
    return [kes(line["amount"]) for line in lines if line["status"] == "Completed" and line["direction"] == "in"]


def is_settled(quarter: Quarter, society: Society, payment_id: UUID) -> bool:
    """It has an outcome; or nothing ever reached the provider, and for two days the screen says "being checked"."""
    row = payment(payment_id)
    waiting = db.session.scalars(select(CallbackWork.callback_id).where(CallbackWork.due_at.is_not(None))).all()
    never_left = (
        row.state is PaymentState.UNKNOWN
        and row.age > SEARCHED_FOR
        and row.amount not in money_at_provider(quarter, society)
    )
    return (row.state.is_closed or never_left) and not waiting


def check(quarter: Quarter, society: Society, payment_id: UUID, before: Money) -> None:
    """Both sides have the same money, the screen says so, and the ledger is whole."""
    row = payment(payment_id)
    taken = money_at_provider(quarter, society).count(row.amount)
    assert taken <= 1
    assert (row.state is PaymentState.SUCCEEDED) == (taken == 1)
    assert society.balance() == before + (row.amount if taken else kes(0))
    report = verify.verify()
    assert report.ok, report.as_json()


def test_the_sender_is_killed_at_each_step(quarter: Quarter) -> None:
    with quarter.app.app_context():
        society = someone()
        for step in range(1, MOST_STEPS):
            before = society.balance()
            payment_id = prompt(society, quarter.next_amount())

            code = quarter.run_until(step, lambda key=payment_id: jobs.submit(key))
            quarter.heal(lambda key=payment_id: is_settled(quarter, society, key))

            check(quarter, society, payment_id, before)
            assert payment(payment_id).sendings <= 1
            if code != KILLED:
                break
        assert code == 0
        assert step > 6, "too few steps to have been a sweep"


def test_the_reader_of_callbacks_is_killed_at_each_step(quarter: Quarter) -> None:
    with quarter.app.app_context():
        society = someone()
        for step in range(1, MOST_STEPS):
            before = society.balance()
            payment_id = prompt(society, quarter.next_amount())
            jobs.submit(payment_id)
            callback_id = _stored_callback()

            code = quarter.run_until(step, lambda key=callback_id: jobs.process_callback(key))
            quarter.heal(lambda key=payment_id: is_settled(quarter, society, key))

            check(quarter, society, payment_id, before)
            if code != KILLED:
                break
        assert code == 0
        assert step > 2


def test_the_sender_of_texts_is_killed_at_each_step_and_no_text_is_sent_twice(quarter: Quarter) -> None:
    with quarter.app.app_context():
        society = someone()
        for step in range(1, MOST_STEPS):
            payment_id = prompt(society, quarter.next_amount())
            text_id = db.session.scalars(select(SmsMessage.id).where(SmsMessage.cause_id == str(payment_id))).one()
            db.session.rollback()

            code = quarter.run_until(step, lambda key=text_id: doorbell.answer("messaging.send", str(key)))
            quarter.heal(lambda key=text_id: _is_over(key))

            sent = quarter.sandbox.control("GET", f"/sms?phone={society.phone.msisdn}")["messages"]
            about = [text for text in sent if f"KES {quarter.amount}.00" in text["text"] and "PIN" in text["text"]]
            assert len(about) <= 1
            quarter.heal(lambda key=payment_id: is_settled(quarter, society, key))
            if code != KILLED:
                break
        assert code == 0
        assert step > 4


def _stored_callback() -> UUID:
    for _ in range(100):
        db.session.rollback()
        found = db.session.scalars(select(CallbackWork.callback_id).where(CallbackWork.due_at.is_not(None))).first()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("no callback came")


def _is_over(text_id: UUID) -> bool:
    db.session.expire_all()
    return db.session.get_one(SmsMessage, text_id).state not in (SmsState.QUEUED, SmsState.SENDING)
