"""Savings for other programs: accounts opened and closed as on screen, balances to the cent, statements by day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask import Flask

from app.demo.load import load
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger
from app.members.models import Member
from app.members.states import MemberStatus
from app.savings import queries
from tests.api.programs import Program, problem, program
from tests.harness.clock import SettableClock
from tests.harness.servers import DEMO_PASSWORD

ACCOUNTS = "/api/savings/accounts"


@dataclass(frozen=True)
class Town:
    """A member with money, and where it is."""

    member_id: UUID
    account_id: int
    number: str
    branch_id: int


@pytest.fixture
def town(app: Flask, clock: SettableClock) -> Iterator[Town]:
    clock.set("2026-11-22T06:00+00:00")
    in_transaction(lambda: load(6, seed=7, password=DEMO_PASSWORD))
    for member in db.session.query(Member).order_by(Member.number):
        if member.status is MemberStatus.ACTIVE and (accounts := queries.accounts_of(member.id)):
            yield Town(member.id, accounts[0].id, accounts[0].number, member.branch_id)
            return


@pytest.fixture
def office(app: Flask, town: Town) -> Program:
    return program(app)


def goal(office: Program) -> str:
    """The id of the product of which a member may have several accounts."""
    products = office.get("/api/savings/products").json["items"]
    return str(next(one["id"] for one in products if one["code"] == "GOAL"))


def open_one(office: Program, town: Town, *, key: str | None = None) -> str:
    answer = office.post(f"/api/savings/members/{town.member_id}/accounts", {"product_id": goal(office)}, key=key)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{ACCOUNTS}/{answer.json['number']}"
    return str(answer.json["number"])


def test_an_account_shows_the_ledgers_balance(office: Program, town: Town) -> None:
    shown = office.get(f"{ACCOUNTS}/{town.number}").json

    assert shown["balance"] == ledger.balance(town.account_id).decimal()
    assert shown["member_id"] == str(town.member_id)
    assert shown in office.get(f"/api/savings/members/{town.member_id}/accounts").json["items"]


def test_products_carry_the_terms_of_today(office: Program) -> None:
    products = {one["code"]: one for one in office.get("/api/savings/products").json["items"]}

    assert products["ORDINARY"]["minimum_balance"] == "200.00"
    assert products["DEPOSITS"]["minimum_deposit"] == "100.00"


def test_a_statement_ends_in_the_balance_and_goes_on_page_by_page(office: Program, town: Town) -> None:
    address, lines, after = f"{ACCOUNTS}/{town.number}/statement", [], None
    while True:
        page = office.get(address, limit=5, **({"after": after} if after else {})).json
        lines += page["items"]
        after = page["next"]
        if after is None:
            break

    assert len(lines) > 5
    assert lines == office.get(address, limit=100).json["items"]
    assert lines[0]["balance"] == office.get(f"{ACCOUNTS}/{town.number}").json["balance"]
    cents = sum(int(line["amount"].replace(".", "")) for line in lines)
    assert f"{cents // 100}.{cents % 100:02}" == lines[0]["balance"]


def test_a_statement_of_some_days_keeps_the_balances(office: Program, town: Town) -> None:
    address = f"{ACCOUNTS}/{town.number}/statement"
    whole = office.get(address, limit=100).json["items"]
    day = whole[len(whole) // 2]["booked_on"]

    on_day = office.get(address, **{"from": day, "to": day, "limit": 100}).json["items"]

    assert on_day == [line for line in whole if line["booked_on"] == day]
    assert problem(office.get(address, **{"from": "2026-02-01", "to": "2026-01-31"})) == (422, "invalid")


def test_an_account_is_opened_once_for_a_key(office: Program, town: Town) -> None:
    first, again = open_one(office, town, key="open-1"), open_one(office, town, key="open-1")

    assert first == again
    assert open_one(office, town) != first


def test_an_empty_account_is_closed_and_one_with_money_is_not(office: Program, town: Town) -> None:
    number = open_one(office, town)

    closed = office.post(f"{ACCOUNTS}/{number}/close", key="close-1")

    assert (closed.status_code, closed.json["status"], closed.json["closed_on"]) == (200, "closed", "2026-11-22")
    again = office.post(f"{ACCOUNTS}/{number}/close", key="close-1")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (closed.json, "true")
    assert problem(office.post(f"{ACCOUNTS}/{number}/close")) == (409, "savings_account_closed")
    assert problem(office.post(f"{ACCOUNTS}/{town.number}/close")) == (409, "savings_account_not_empty")


def test_another_account_becomes_the_normal_one(office: Program, town: Town) -> None:
    number = open_one(office, town)

    assert office.post(f"{ACCOUNTS}/{number}/normal").json["is_normal"] is True
    assert office.get(f"{ACCOUNTS}/{town.number}").json["is_normal"] is False


@pytest.mark.parametrize("body", [{"sneaky": 1}, [], "x"])
def test_an_endpoint_without_a_body_takes_none(office: Program, town: Town, body: object) -> None:
    assert problem(office.post(f"{ACCOUNTS}/{town.number}/normal", body)) == (422, "invalid")


def test_an_account_out_of_reach_is_like_one_that_does_not_exist(app: Flask, town: Town) -> None:
    elsewhere = next(branch.id for branch in ledger.branches() if branch.id != town.branch_id)
    officer = program(app, "officer", branch_id=elsewhere)

    for part in ("", "/statement"):
        theirs, nobodys = (officer.get(f"{ACCOUNTS}/{number}{part}") for number in (town.number, "SV-999999"))
        assert problem(theirs) == problem(nobodys) == (404, "savings_account_not_found")
        assert theirs.json["detail"] == nobodys.json["detail"]
    assert problem(officer.post(f"{ACCOUNTS}/{town.number}/close")) == (404, "savings_account_not_found")


def test_a_teller_reads_and_opens_nothing(app: Flask, office: Program, town: Town) -> None:
    teller = program(app, "teller", branch_id=town.branch_id)

    assert teller.get(f"{ACCOUNTS}/{town.number}").status_code == 200
    answer = teller.post(f"/api/savings/members/{town.member_id}/accounts", {"product_id": goal(office)})
    assert problem(answer) == (403, "owner_may_not")
