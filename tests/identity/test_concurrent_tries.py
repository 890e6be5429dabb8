"""Many tries at once count one by one: a lock that can be outrun is none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from app.identity.errors import TooManyTries, WrongSignIn
from app.identity.rules import PAUSES
from app.identity.service import sign_in
from app.identity.states import CounterKind
from app.kernel.transactions import in_transaction
from tests.harness.people import hire


def test_no_more_than_the_free_tries_get_through_however_many_come_at_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        hire("teller", username="jane", password="four quiet elephants wade")

    def guess(number: int) -> str:
        with committed_app.app_context():
            try:
                candidate = in_transaction(lambda: sign_in.begin("jane", address=f"10.0.0.{number}"))
                sign_in.check(candidate, "wrong")
            except TooManyTries:
                return "locked"
            except WrongSignIn:
                return "looked at"
        raise AssertionError("the guess is wrong")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(guess, range(40)))

    assert answers.count("looked at") == PAUSES[CounterKind.USERNAME].free
    assert answers.count("locked") == 40 - PAUSES[CounterKind.USERNAME].free
