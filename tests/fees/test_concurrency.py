"""Two at one moment, on a database that really commits."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from app.fees import queries, registration, service
from app.fees.models import FeeCharged, FeeTariff
from app.fees.schemas import NewTariff
from app.kernel import clock
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import kes
from app.ledger import queries as ledger
from app.ledger import verify
from tests.fees import examples
from tests.members import examples as people
from tests.members.examples import OFFICER
from tests.members.test_concurrency import at_once
from tests.savings import examples as savings


def test_whoever_comes_at_one_moment_is_charged_once_and_pays_no_more_than_is_owed(committed_app: Flask) -> None:
    with committed_app.app_context():
        people.open_books()
        on, member_id = clock.business_date(), people.register()
        examples.registration_fee("500")

    charged = at_once(committed_app, *[lambda: registration.charge(member_id, on=on, by=OFFICER)] * 3)

    assert sorted(outcome is True for outcome in charged) == [False, False, True], charged
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(FeeCharged)) == 1
        owed = queries.owed(member_id)
        assert owed is not None and owed.amount == kes(600)
        account = owed.account.id
        receipts = [savings.receipt("400", number=f"UKRACE{number:04}") for number in range(3)]

    paid = at_once(
        committed_app,
        *(lambda came=came: registration.receive(came, account, on=on, by=OFFICER) for came in receipts),
    )

    with committed_app.app_context():
        assert sum(isinstance(outcome, int) for outcome in paid) == 1, paid
        assert {getattr(outcome, "code", "") for outcome in paid if not isinstance(outcome, int)} <= {
            "more_than_owed", "balance_too_low",
        }  # fmt: skip
        assert ledger.balance(account) == kes(200)
        assert verify.verify().differences == []


def test_of_two_fees_for_one_day_that_are_approved_at_one_moment_one_holds(committed_app: Flask) -> None:
    with committed_app.app_context():
        people.open_books()
        on = clock.business_date()
        values = NewTariff.parse_json(examples.fields())

    outcomes = at_once(committed_app, *[lambda: service.add_tariff(values, on=on, by=OFFICER)] * 3)

    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 2, outcomes
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(FeeTariff)) == 1
