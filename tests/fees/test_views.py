"""Pages of fees as a browser meets them: signed out, not permitted, bad fields, success, and sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.approvals.models import Approval
from app.fees import queries
from app.fees.events import Event
from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import kes
from tests.fees import examples
from tests.members import examples as people

pytestmark = pytest.mark.usefixtures("books")

SignedIn = Callable[[str], FlaskClient]

PATHS = [
    ("get", "/fees"),
    ("get", "/fees/tariffs/new"),
    ("post", "/fees/tariffs"),
    ("get", "/fees/tariffs/{tariff}"),
    ("post", "/fees/excise"),
    ("get", "/fees/members/{member}/registration"),
    ("post", "/fees/members/{member}/registration"),
]


def tariff_form(**changes: str) -> dict[str, str]:
    return {
        "key": "key-1",
        "event": "withdrawal",
        "starts_on": f"{clock.business_date():%d/%m/%Y}",
        "basis": "bands",
        "bands": "2,500 30\r\nmore 75",
        "borne_by": "member",
        "income_account": "4320",
        "excise_kind": "other_fees",
        "decision": "Minute 7/2026",
        **changes,
    }


def excise_form(**changes: str) -> dict[str, str]:
    form = {"key": "key-1", "kind": "other_fees", "starts_on": "1/7/2027", "percent": "18 %", "source": "Finance Act"}
    return {**form, **changes}


def asked_for() -> list[str]:
    return list(db.session.scalars(select(Approval.command)))


def said(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, method: str, path: str) -> None:
    address = path.format(tariff=examples.tariff(), member=people.register())

    answer = getattr(client, method)(address)

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


@pytest.mark.parametrize(("method", "path"), [pair for pair in PATHS if pair[0] == "post" or pair[1].endswith("new")])
def test_an_auditor_reads_but_changes_nothing(signed_in: SignedIn, method: str, path: str) -> None:
    address = path.format(tariff=examples.tariff(), member=people.register())
    auditor = signed_in("auditor")

    assert getattr(auditor, method)(address).status_code == 403
    assert auditor.get("/fees").status_code == 200


def test_a_fee_is_proposed_once_and_holds_when_somebody_else_has_approved_it(signed_in: SignedIn) -> None:
    accountant, manager = signed_in("accountant"), signed_in("manager")

    answers = [accountant.post("/fees/tariffs", data=tariff_form()) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/fees")] * 2
    assert asked_for() == ["fees.tariff"]
    assert queries.holding(Event.WITHDRAWAL, on=clock.business_date()) is None
    assert "Withdrawal fee from 22 Nov 2026" in said(manager.get("/fees").get_data(as_text=True))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"event": ""}, "This is needed."),
        ({"event": "parking"}, "Choose one of the options."),
        ({"starts_on": "21/11/2026"}, "A fee starts today or later."),
        ({"bands": "2500 30"}, "The last line starts with"),
        ({"basis": "percent", "percent": "101"}, "Enter a percentage from 0 to 100"),
        ({"decision": ""}, "This is needed."),
        ({"income_account": "2010"}, "Choose one of the income accounts."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(
    signed_in: SignedIn, changes: dict[str, str], sentence: str
) -> None:
    answer = signed_in("accountant").post("/fees/tariffs", data=tariff_form(**changes))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert sentence in page
    assert changes.get("decision", "Minute 7/2026") in page
    assert asked_for() == []


def test_an_excise_rate_is_proposed_with_the_law_that_says_so(signed_in: SignedIn) -> None:
    accountant = signed_in("accountant")

    assert accountant.post("/fees/excise", data=excise_form(source="")).status_code == 422
    assert accountant.post("/fees/excise", data=excise_form(starts_on="1/7/2023")).status_code == 422
    assert accountant.post("/fees/excise", data=excise_form()).status_code == 303

    assert asked_for() == ["fees.excise_rate"]


def test_the_page_of_a_fee_works_an_example_out(signed_in: SignedIn) -> None:
    tariff = examples.tariff(basis="bands", bands="2,500 30\nmore 47.92")
    teller = signed_in("teller")

    first = said(teller.get(f"/fees/tariffs/{tariff}").get_data(as_text=True))
    other = said(teller.get(f"/fees/tariffs/{tariff}?amount=2,500").get_data(as_text=True))
    wrong = teller.get(f"/fees/tariffs/{tariff}?amount=many")

    # 47.92 and 20 % of it, 9.584, make 57.50.
    assert "A withdrawal of KES 5,000.00 costs KES 57.50: KES 47.92 fee and KES 9.58 excise duty." in first
    assert "The member pays KES 5,057.50 in all." in first
    assert "A withdrawal of KES 2,500.00 costs KES 36.00" in other
    assert (wrong.status_code, "Enter an amount" in wrong.get_data(as_text=True)) == (422, True)


def test_htmx_gets_the_example_alone(signed_in: SignedIn) -> None:
    tariff = examples.tariff(borne_by="included")

    fragment = (
        signed_in("teller")
        .get(f"/fees/tariffs/{tariff}?amount=1000", headers={"HX-Request": "true"})
        .get_data(as_text=True)
    )

    assert fragment.lstrip().startswith(f'<section id="fee-example-{tariff}"')
    assert "KES 940.00 is left" in said(fragment)


def test_a_tariff_that_is_not_there_is_not_found(signed_in: SignedIn) -> None:
    assert signed_in("teller").get(f"/fees/tariffs/{UUID(int=7)}").status_code == 404


def test_a_change_begins_with_what_holds(signed_in: SignedIn) -> None:
    examples.tariff(basis="bands", bands="2,500 30\nmore 75")

    page = signed_in("accountant").get("/fees/tariffs/new?event=withdrawal").get_data(as_text=True)

    assert "2,500.00 30.00\nmore 75.00</textarea>" in page
    assert '<option value="bands" selected>' in page


def test_a_member_is_charged_by_hand_once(signed_in: SignedIn) -> None:
    member_id = people.register()
    examples.registration_fee("500")
    manager, address = signed_in("manager"), f"/fees/members/{member_id}/registration"
    assert "The registration fee is KES 600.00" in said(manager.get(address).get_data(as_text=True))

    answers = [manager.post(address).status_code for _ in range(2)]

    owed = queries.owed(member_id)
    assert answers == [303, 409]
    assert owed is not None and owed.amount == kes(600)
    assert "Still owed KES 600.00" in said(manager.get(address).get_data(as_text=True))


def test_the_profile_shows_what_is_owed(signed_in: SignedIn) -> None:
    examples.registration_fee("500")
    member_id = people.register()
    manager = signed_in("manager")
    owed = queries.owed(member_id)
    assert owed is not None

    profile = said(manager.get(f"/members/{member_id}").get_data(as_text=True))

    assert f"Fees owed 600.00 pay to {owed.account.number}" in profile


def test_without_fees_the_pages_say_what_they_are_for(signed_in: SignedIn) -> None:
    manager = signed_in("manager")

    assert "Nothing is charged until the board sets a fee" in said(manager.get("/fees").get_data(as_text=True))
    address = f"/fees/members/{people.register()}/registration"
    assert "There is no registration fee at present" in said(manager.get(address).get_data(as_text=True))
