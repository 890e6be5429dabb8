"""Many tries at once count one by one: a lock that can be outrun is none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from app.identity import queries
from app.identity.errors import TooManyTries, WrongSignIn
from app.identity.rules import PAUSES
from app.identity.service import sign_in, staff
from app.identity.states import CounterKind, StaffStatus
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
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


def test_who_is_suspended_while_signing_in_gets_no_session(committed_app: Flask) -> None:
    with committed_app.app_context():
        jane, by = hire("teller", username="jane", password="four quiet elephants wade"), Actor.system("tests")
        candidate = in_transaction(lambda: sign_in.begin("jane", address=None))
        sign_in.check(candidate, "four quiet elephants wade")

        in_transaction(lambda: staff.set_status(jane, StaffStatus.SUSPENDED, by=by))

        with pytest.raises(WrongSignIn):
            in_transaction(lambda: sign_in.enter(candidate, "…", address=None, browser=None))
        assert queries.open_sessions(jane) == []


def test_two_administrators_cannot_give_out_one_username(committed_app: Flask) -> None:
    def create(number: int) -> str:
        with committed_app.app_context():
            by = Actor.system(f"administrator {number}")
            try:
                in_transaction(lambda: staff.create(username="Jane", name="Jane", branch_id=1, roles=["teller"], by=by))
            except Invalid as refusal:
                return refusal.errors["username"]
            return "created"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(create, range(6)))

    assert answers.count("created") == 1
    assert answers.count("Somebody has this username already. Choose another.") == 5
