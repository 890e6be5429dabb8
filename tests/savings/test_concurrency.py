"""Two at one moment, on a database that really commits."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import kes
from app.ledger import queries as ledger
from app.savings import queries, service
from app.savings.errors import OneIsEnough, SavingsClosed
from app.savings.models import SavingsAccount
from tests.members import examples as people
from tests.members.examples import OFFICER
from tests.members.test_concurrency import at_once
from tests.savings import examples


def test_where_one_account_is_enough_two_clicks_open_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        people.open_books()
        on = clock.business_date()
        member_id, product_id = people.register(), examples.offer()

    outcomes = at_once(committed_app, *[lambda: service.open_account(member_id, product_id, on=on, by=OFFICER)] * 4)

    assert sum(isinstance(outcome, OneIsEnough) for outcome in outcomes) == 3
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(SavingsAccount)) == 1


def test_a_member_never_has_two_normal_accounts(committed_app: Flask) -> None:
    with committed_app.app_context():
        people.open_books()
        member_id, product_id = people.register(), examples.offer(allows_several=True)
        accounts = [examples.open_account(member_id, product_id) for _ in range(4)]

    at_once(committed_app, *(lambda account=account: service.make_normal(account, by=OFFICER) for account in accounts))

    with committed_app.app_context():
        assert sum(queries.get(account).is_normal for account in accounts) == 1


def test_money_that_comes_while_the_account_is_closed_is_credited_or_refused_and_never_lost(
    committed_app: Flask,
) -> None:
    with committed_app.app_context():
        people.open_books()
        on = clock.business_date()
        account_id = examples.open_account(people.register(), examples.offer())
        came = examples.receipt("1,000")

    paid, closed = at_once(
        committed_app,
        lambda: service.deposit(came, account_id, on=on, by=OFFICER),
        lambda: service.close_account(account_id, on=on, by=OFFICER),
    )

    with committed_app.app_context():
        is_credited = isinstance(paid, int)
        assert ledger.balance(account_id) == kes(1_000 if is_credited else 0)
        assert (closed is None) != is_credited, (paid, closed)
        assert is_credited or isinstance(paid, SavingsClosed) or paid.code == "account_closed"
