"""The same request, sent again, gets the first answer and does nothing more."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Conflict, Invalid
from app.kernel.idempotency import IdempotencyKey, KeyReused, once
from app.kernel.transactions import in_transaction

TELLER = Actor("staff", "t1", "web")
OFFICER = Actor("staff", "o1", "web")


def ask(work, *, key="k1", inputs=None, by=TELLER):
    return in_transaction(lambda: once("test.pay", key, inputs or {"amount": "100"}, by=by, work=work))


def test_the_first_answer_is_repeated(app):
    calls = []

    first = ask(lambda: calls.append(1) or "payment-1")
    again = ask(lambda: calls.append(1) or "payment-2")

    assert (first.value, first.replayed) == ("payment-1", False)
    assert (again.value, again.replayed) == ("payment-1", True)
    assert len(calls) == 1


def test_the_same_key_for_something_else_is_refused(app):
    ask(lambda: "payment-1")

    with pytest.raises(KeyReused):
        ask(lambda: "payment-2", inputs={"amount": "200"})


def test_two_people_may_use_the_same_key(app):
    assert ask(lambda: "mine").value == "mine"
    assert ask(lambda: "theirs", by=OFFICER).value == "theirs"


def test_a_refusal_is_not_remembered(app):
    def refuse():
        raise Conflict("not now")

    with pytest.raises(Conflict):
        ask(refuse)

    assert ask(lambda: "later").value == "later"


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak", "nul\0"])
def test_a_key_that_is_none_is_refused(app, key):
    with pytest.raises(Invalid):
        ask(lambda: "never", key=key)


def test_twenty_at_once_have_one_effect_and_one_answer(committed_app):
    answers, effects, start = [], [], threading.Barrier(20)

    def run(number):
        with committed_app.app_context():
            start.wait()
            answers.append(ask(lambda: effects.append(number) or f"payment-{number}").value)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert len(effects) == 1
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1
