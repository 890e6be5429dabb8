"""Payments for other programs: the history by filter, one payment, and money in suspense given to its account once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.kernel.money import kes
from app.ledger import queries as ledger
from tests.api.programs import Program, problem, program
from tests.api.town import fill
from tests.harness.clock import SettableClock

SUSPENSE = "/api/payments/suspense"


@pytest.fixture
def town(app: Flask, clock: SettableClock) -> Iterator[Any]:
    """A prompt, and three times 250 shillings for an account that nobody knows."""
    clock.set("2026-11-22T06:00+00:00")
    before = app.extensions["settings"]
    yield fill(app, members_count=4)
    app.extensions["settings"] = before


@pytest.fixture
def office(app: Flask, town: Any) -> Program:
    return program(app)


def test_the_history_is_narrowed_by_a_filter(office: Program, town: Any) -> None:
    everything = office.get("/api/payments").json["items"]
    prompts = office.get("/api/payments", status="created").json["items"]

    assert len(everything) == 4
    assert [one["id"] for one in prompts] == [town.payment_id]
    assert office.get("/api/payments", member=prompts[0]["member_id"]).json["items"] == prompts
    assert [one["id"] for one in office.get("/api/payments", receipt="ukk0000001").json["items"]] == [
        one["id"] for one in everything if one["receipt_number"] == "UKK0000001"
    ]
    assert office.get("/api/payments", to="2026-11-21").json["items"] == []
    assert problem(office.get("/api/payments", needs_review="yes")) == (422, "invalid")


def test_one_payment_tells_what_became_of_each_share(office: Program, town: Any) -> None:
    shown = office.get(f"/api/payments/{town.payment_id}").json

    assert (shown["amount"], shown["status"], shown["method"]) == ("1500.00", "created", "prompt")
    assert [(share["amount"], share["purpose"], share["status"]) for share in shown["shares"]] == [
        ("1500.00", "SAVINGS_DEPOSIT", "intended")
    ]


def test_money_in_suspense_is_allocated_once(office: Program, town: Any) -> None:
    address, body = f"{SUSPENSE}/{town.allocation_ids[0]}/allocate", {"account": town.account_number}
    before = ledger.balance(town.account_id)

    first, again = (office.post(address, body, key="suspense-7") for _ in range(2))

    assert first.status_code == 200
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert ledger.balance(town.account_id) == before + kes("250")
    assert town.allocation_ids[0] not in [one["id"] for one in office.get(SUSPENSE).json["items"]]
    assert problem(office.post(address, body, key="another")) == (409, "not_in_suspense")


def test_money_moves_only_with_a_key_and_to_an_account_that_exists(office: Program, town: Any) -> None:
    address = f"{SUSPENSE}/{town.allocation_ids[1]}/allocate"

    assert problem(office.post(address, {"account": town.account_number})) == (400, "idempotency_key_needed")
    assert problem(office.post(address, {"account": "SV-999999"}, key="k")) == (422, "account_not_fitting")
    assert len(office.get(SUSPENSE).json["items"]) == 3


def test_suspense_is_for_those_who_may_allocate(app: Flask, town: Any) -> None:
    officer = program(app, "officer")

    assert problem(officer.get(SUSPENSE)) == (403, "owner_may_not")
    assert officer.get("/api/payments").status_code == 200


def test_the_list_goes_on_page_by_page(office: Program) -> None:
    first = office.get("/api/payments", limit=3).json
    second = office.get("/api/payments", limit=3, after=first["next"]).json

    assert [len(page["items"]) for page in (first, second)] == [3, 1]
    assert second["next"] is None
    assert len({one["id"] for page in (first, second) for one in page["items"]}) == 4
