"""Somebody who is away lends the right to decide: never more than his own, never on, never to the one who asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.approvals import queries, stand_ins
from app.approvals.errors import DelegationMissing, NoRightToDecide, NothingToLend, OwnRequest, SaidAlready
from app.approvals.rules import Threshold
from app.approvals.schemas import StandIn
from app.approvals.states import ApprovalState
from app.kernel import clock as kernel_clock
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.transactions import in_transaction
from tests.approvals import probe
from tests.approvals.probe import ask, decide
from tests.approvals.test_deciding import take_away
from tests.harness.people import hire, signed_in_client

pytestmark = pytest.mark.usefixtures("books", "world")


@pytest.fixture
def teller(books: Flask) -> Actor:
    """Somebody who decides nothing by his own roles."""
    return probe.person(hire("teller"))


def today() -> date:
    return kernel_clock.business_date()


def lend(lender: Actor, borrower: Actor, **changes: Any) -> UUID:
    values = StandIn(
        **{
            "stand_in": UUID(borrower.id),
            "starts_on": today(),
            "ends_on": today() + timedelta(days=7),
            "reason": "On leave",
            **changes,
        }
    )
    return in_transaction(lambda: stand_ins.lend(values, on=today(), by=lender))


def test_a_stand_in_decides_and_both_are_named(accountant: Actor, manager: Actor, teller: Actor) -> None:
    approval_id = ask(accountant)
    with pytest.raises(NoRightToDecide):
        decide(approval_id, teller)
    lend(manager, teller)
    assert queries.may_decide(approval_id, UUID(teller.id))

    assert decide(approval_id, teller) is ApprovalState.APPROVED

    [said] = queries.decisions_of(approval_id)
    assert (said.checker, said.in_the_place_of) == (teller.principal, manager.principal)


def test_a_lent_right_is_never_more_than_the_lenders(accountant: Actor, manager: Actor, teller: Actor) -> None:
    lend(manager, teller)

    with pytest.raises(NoRightToDecide, match="more than you may decide"):
        decide(ask(accountant, "1,000,000.01"), teller)


def test_a_lent_right_is_not_lent_on(accountant: Actor, manager: Actor, teller: Actor) -> None:
    lend(manager, teller)
    another = probe.person(hire("teller"))

    with pytest.raises(NothingToLend):
        lend(teller, another)


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"role": None}, {"reach": "own"}])
def test_it_ends_when_the_lender_loses_the_right(
    accountant: Actor, manager: Actor, teller: Actor, change: dict[str, Any]
) -> None:
    approval_id = ask(accountant)
    lend(manager, teller)
    take_away(manager, **change)

    with pytest.raises(NoRightToDecide):
        decide(approval_id, teller, version="1.x")
    assert not queries.may_decide(approval_id, UUID(teller.id))


def test_it_ends_at_once_when_it_is_taken_back_by_either_and_by_nobody_else(
    accountant: Actor, manager: Actor, administrator: Actor, teller: Actor
) -> None:
    approval_id = ask(accountant)
    for ender in (manager, teller):
        lent = lend(manager, teller)
        with pytest.raises(DelegationMissing):
            in_transaction(lambda lent=lent: stand_ins.revoke(lent, by=administrator))
        for _ in range(2):
            in_transaction(lambda lent=lent, ender=ender: stand_ins.revoke(lent, by=ender))
        with pytest.raises(NoRightToDecide):
            decide(approval_id, teller)
    with pytest.raises(DelegationMissing):
        in_transaction(lambda: stand_ins.revoke(uuid4(), by=manager))


@pytest.mark.parametrize(("first", "last"), [(1, 5), (-5, -1)])
def test_it_holds_only_on_its_days(accountant: Actor, manager: Actor, teller: Actor, first: int, last: int) -> None:
    from app.approvals.models import Delegation

    lent = lend(manager, teller)
    days = {"starts_on": today() + timedelta(days=first), "ends_on": today() + timedelta(days=last)}
    db.session.query(Delegation).filter_by(id=lent).update(days)
    db.session.commit()

    with pytest.raises(NoRightToDecide):
        decide(ask(accountant), teller)


def test_it_may_be_lent_for_some_commands_only(accountant: Actor, manager: Actor, teller: Actor) -> None:
    lent = lend(manager, teller, commands=("approvals.rule",))
    approval_id = ask(accountant)

    with pytest.raises(NoRightToDecide):
        decide(approval_id, teller)

    in_transaction(lambda: stand_ins.revoke(lent, by=manager))
    lend(manager, teller, commands=("approvals.rule", probe.NAME))
    assert decide(approval_id, teller) is ApprovalState.APPROVED


def test_whoever_asks_decides_neither_by_a_borrowed_right_nor_through_somebody_who_borrowed_his(
    manager: Actor, administrator: Actor, teller: Actor
) -> None:
    lend(administrator, manager)  # the maker borrows a right
    lend(manager, teller)  # and lends his own
    approval_id = ask(manager)

    with pytest.raises(OwnRequest):
        decide(approval_id, manager)
    with pytest.raises(NoRightToDecide):
        decide(approval_id, teller)
    assert not queries.may_decide(approval_id, UUID(teller.id))


def test_two_people_by_one_right_are_one(accountant: Actor, manager: Actor, teller: Actor) -> None:
    lend(manager, teller)
    with probe.registered(threshold=Threshold(two_from=probe.kes(1))):
        approval_id = ask(accountant)
        assert decide(approval_id, teller) is ApprovalState.WAITING

        with pytest.raises(NoRightToDecide):
            decide(approval_id, manager)
        with pytest.raises(SaidAlready):
            decide(approval_id, teller)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"starts_on": -1}, "starts_on"),
        ({"ends_on": -1}, "ends_on"),
        ({"ends_on": 93}, "ends_on"),
        ({"stand_in": uuid4()}, "stand_in"),
        ({"stand_in": None}, "stand_in"),
        ({"commands": ("ledger.none",)}, "commands"),
    ],
)
def test_what_will_not_do_is_not_lent(manager: Actor, teller: Actor, changes: dict[str, Any], field: str) -> None:
    values = {
        name: today() + timedelta(days=value) if isinstance(value, int) else value for name, value in changes.items()
    }
    if "stand_in" in values and values["stand_in"] is None:
        values["stand_in"] = UUID(manager.id)

    with pytest.raises(Invalid) as refused:
        lend(manager, teller, **values)

    assert set(refused.value.errors) == {field}


def test_stand_ins_are_named_and_ended_on_their_page(
    app: Flask, signed_in: Callable[[str], FlaskClient], manager: Actor, teller: Actor
) -> None:
    browser = signed_in_client(app, UUID(manager.id))
    on = f"{today():%d/%m/%Y}"
    form = {"key": "k", "stand_in": teller.id, "starts_on": on, "ends_on": on, "reason": "On leave"}

    refused = browser.post("/approvals/stand-ins", data={**form, "reason": ""})
    answers = [browser.post("/approvals/stand-ins", data={**form, "commands": probe.NAME}) for _ in range(2)]

    assert (refused.status_code, [answer.status_code for answer in answers]) == (422, [303, 303])
    page = browser.get("/approvals/stand-ins").get_data(as_text=True)
    assert page.count("Teller Wanjiru<small>Probe</small>") == 1
    assert "Teller Wanjiru" in signed_in("auditor").get("/approvals/stand-ins").get_data(as_text=True)
    assert "Nobody stands in" in signed_in("officer").get("/approvals/stand-ins").get_data(as_text=True)
    [lent] = stand_ins.concerning(UUID(manager.id), on=today())
    assert signed_in("officer").post(f"/approvals/stand-ins/{lent.id}/end").status_code == 404
    assert browser.post(f"/approvals/stand-ins/{lent.id}/end").status_code == 303
    assert list(stand_ins.concerning(None, on=today())) == []
    assert signed_in("officer").post("/approvals/stand-ins", data=form).status_code == 403


def test_the_page_says_in_whose_place_one_decides(app: Flask, accountant: Actor, manager: Actor, teller: Actor) -> None:
    approval_id = ask(accountant)
    lend(manager, teller)
    words = "You decide in the place of Manager Wanjiru"

    assert words in signed_in_client(app, UUID(teller.id)).get(f"/approvals/{approval_id}").get_data(as_text=True)
    assert words not in signed_in_client(app, UUID(manager.id)).get(f"/approvals/{approval_id}").get_data(as_text=True)
