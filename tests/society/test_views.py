"""Settings of the society as a browser meets them: signed out, not permitted, bad fields, success, and stale."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.kernel import clock
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.errors import BranchClosed
from app.ledger.values import Cause
from app.society import queries
from app.society.models import CalendarDay
from tests.members import examples as people
from tests.savings import examples as savings


@pytest.fixture(autouse=True)
def _opened(request: pytest.FixtureRequest) -> None:
    """The books are open, but for the test that is about the time before."""
    if "before_the_books" not in request.node.name:
        request.getfixturevalue("books")


SignedIn = Callable[[str], FlaskClient]

PATHS = [
    ("get", "/settings"),
    ("get", "/settings/society"),
    ("post", "/settings/society"),
    ("get", "/settings/branches"),
    ("post", "/settings/branches"),
    ("get", "/settings/branches/HQ"),
    ("post", "/settings/branches/HQ"),
    ("post", "/settings/branches/HQ/close"),
    ("get", "/settings/calendar"),
    ("post", "/settings/calendar"),
    ("post", "/settings/calendar/take-back"),
]


def details(**changes: str) -> dict[str, str]:
    version = str(queries.details().version)
    form = {"key": "key-1", "name": "Umoja SACCO", "registration_number": "CS/1234", "version": version}
    return {**form, "email": "office@umoja.co.ke", **changes}


def said(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def trail(action: str) -> AuditEvent:
    return db.session.scalars(select(AuditEvent).where(AuditEvent.action == action)).one()


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, method: str, path: str) -> None:
    answer = getattr(client, method)(path)

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_an_auditor_reads_but_changes_nothing(signed_in: SignedIn, method: str, path: str) -> None:
    answer = getattr(signed_in("auditor"), method)(path)

    assert answer.status_code == (200 if method == "get" else 403)


def test_the_settings_home_lists_what_one_may_open(signed_in: SignedIn) -> None:
    administrator = said(signed_in("administrator").get("/settings").get_data(as_text=True))
    accountant = said(signed_in("accountant").get("/settings").get_data(as_text=True))

    assert "Society details" in administrator and "1 open" in administrator and "API tokens" in administrator
    assert "Fees" in accountant and "API tokens" not in accountant
    assert signed_in("agent").get("/settings").status_code == 403


def test_details_are_saved_once_and_leave_a_trace(signed_in: SignedIn) -> None:
    administrator, form = signed_in("administrator"), details()

    answers = [administrator.post("/settings/society", data=form).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert (queries.details().name, queries.details().registration_number) == ("Umoja SACCO", "CS/1234")
    event = trail("society.details_edited")
    assert event.before == {"name": "Pamoja SACCO Society", "registration_number": "", "email": ""}


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("name", "x" * 81), ("email", "office"), ("version", "0")])
def test_details_that_cannot_be_are_refused(signed_in: SignedIn, field: str, value: str) -> None:
    answer = signed_in("administrator").post("/settings/society", data=details(**{field: value}))

    assert answer.status_code == 422
    assert queries.details().name == "Pamoja SACCO Society"


def test_two_who_edit_at_once_do_not_overwrite_each_other(signed_in: SignedIn) -> None:
    administrator, first, second = signed_in("administrator"), details(), details(key="key-2", name="Another SACCO")
    administrator.post("/settings/society", data=first)

    answer = administrator.post("/settings/society", data=second)

    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.get_data(as_text=True)
    assert "Another SACCO" in answer.get_data(as_text=True)
    assert queries.details().name == "Umoja SACCO"


def test_a_branch_is_opened_once(signed_in: SignedIn) -> None:
    administrator, form = signed_in("administrator"), {"key": "key-1", "code": "nku", "name": "Nakuru"}

    answers = [administrator.post("/settings/branches", data=form).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert [(branch.code, branch.name) for branch in ledger_queries.branches()][1:] == [("NKU", "Nakuru")]
    assert trail("society.branch_added").after == {"code": "NKU", "name": "Nakuru"}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"code": "HQ", "name": "Nakuru"}, "Another branch has this code."),
        ({"code": "NKU", "name": "nairobi"}, "Another branch has this name."),
        ({"code": "N!", "name": "Nakuru"}, "This does not have the right form."),
        ({"code": "NKU", "name": ""}, "This is needed."),
    ],
)
def test_a_branch_that_cannot_be_is_refused(signed_in: SignedIn, form: dict[str, str], sentence: str) -> None:
    answer = signed_in("administrator").post("/settings/branches", data={"key": "key-1", **form})

    assert (answer.status_code, sentence in answer.get_data(as_text=True)) == (422, True)
    assert len(ledger_queries.branches()) == 1


def test_a_branch_is_renamed_unless_somebody_was_faster(signed_in: SignedIn) -> None:
    people.found_branch()
    administrator, address = signed_in("administrator"), "/settings/branches/NKU"

    first = administrator.post(address, data={"name": "Nakuru town", "was": "Nakuru"})
    second = administrator.post(address, data={"name": "Nakuru west", "was": "Nakuru"})
    taken = administrator.post(address, data={"name": "Nairobi", "was": "Nakuru town"})

    assert [answer.status_code for answer in (first, second, taken)] == [303, 409, 422]
    assert queries.branch("NKU").name == "Nakuru town"
    event = trail("society.branch_renamed")
    assert (event.before, event.after) == ({"name": "Nakuru"}, {"name": "Nakuru town"})


def test_an_empty_branch_is_closed_for_good(signed_in: SignedIn) -> None:
    branch_id = people.found_branch()
    administrator = signed_in("administrator")

    answers = [administrator.post("/settings/branches/NKU/close").status_code for _ in range(2)]

    assert answers == [303, 409]
    assert [branch.code for branch in ledger_queries.branches()] == ["HQ"]
    lines = [ledger.debit("1020", kes(1), branch=branch_id), ledger.credit("4510", kes(1), branch=branch_id)]
    with pytest.raises(BranchClosed):
        in_transaction(
            lambda: ledger.post(
                lines, on=clock.business_date(), cause=Cause("x", "x"), key="x", by=people.OFFICER, description="x"
            )
        )


def test_a_branch_with_members_or_accounts_stays_open(signed_in: SignedIn) -> None:
    member_id = people.register(branch_id=people.found_branch())
    administrator, address = signed_in("administrator"), "/settings/branches/NKU"

    assert "1 member belongs here." in administrator.get(address).get_data(as_text=True)
    without_account = administrator.post(f"{address}/close")
    savings.open_account(member_id, savings.offer())
    with_account = administrator.post(f"{address}/close")

    assert (without_account.status_code, with_account.status_code) == (409, 409)
    assert "1 member belongs here." in without_account.get_data(as_text=True)
    assert "1 member accounts are kept there" in with_account.get_data(as_text=True)
    assert len(ledger_queries.branches()) == 2


def test_a_branch_that_owns_something_stays_open_and_one_with_only_a_past_does_not(signed_in: SignedIn) -> None:
    branch_id = people.found_branch()
    head, on = ledger_queries.head_office(), clock.business_date()
    administrator = signed_in("administrator")

    def post(key: str, debit: tuple[str, int], credit: tuple[str, int]) -> None:
        lines = [
            ledger.debit(debit[0], kes(10), branch=debit[1]),
            ledger.credit(credit[0], kes(10), branch=credit[1]),
        ]
        in_transaction(
            lambda: ledger.post(lines, on=on, cause=Cause("x", key), key=key, by=people.OFFICER, description="x")
        )

    post("cash-in", ("1020", branch_id), ("4510", branch_id))
    holding = administrator.post("/settings/branches/NKU/close")
    post("cash-out", ("1010", head), ("1020", branch_id))
    empty = administrator.post("/settings/branches/NKU/close")

    assert (holding.status_code, empty.status_code) == (409, 303)
    assert "1020 still has a balance there" in holding.get_data(as_text=True)


def test_the_head_office_stays(signed_in: SignedIn) -> None:
    answer = signed_in("administrator").post("/settings/branches/HQ/close")

    assert (answer.status_code, len(ledger_queries.branches())) == (409, 1)
    assert signed_in("administrator").get("/settings/branches/XX").status_code == 404


def test_a_day_is_decided_once_and_taken_back(signed_in: SignedIn) -> None:
    manager = signed_in("manager")
    form = {"key": "key-1", "on_date": "24/12/2026", "reason": "Staff day"}

    answers = [manager.post("/settings/calendar", data=form) for _ in range(2)]
    page = said(manager.get("/settings/calendar?year=2026").get_data(as_text=True))
    taken = manager.post("/settings/calendar/take-back", data={"on_date": "2026-12-24"})

    assert [answer.location for answer in answers] == ["/settings/calendar?year=2026"] * 2
    assert "Thu 24 Dec 2026 is closed Staff day Decided" in page
    assert taken.status_code == 303
    assert db.session.scalars(select(CalendarDay)).all() == []
    assert trail("society.day_taken_back").before == {"is_working": False, "reason": "Staff day"}


@pytest.mark.parametrize(
    "form", [{"on_date": "22/11/2026"}, {"on_date": "someday"}, {"on_date": "24/12/2026", "reason": ""}]
)
def test_a_day_that_cannot_be_decided_is_refused(signed_in: SignedIn, form: dict[str, str]) -> None:
    answer = signed_in("manager").post("/settings/calendar", data={"key": "key-1", "reason": "Staff day", **form})

    assert answer.status_code == 422
    assert signed_in("manager").post("/settings/calendar/take-back", data={"on_date": "x"}).status_code == 422


def test_a_year_that_is_no_year_shows_this_one(signed_in: SignedIn) -> None:
    assert "Business calendar 2026" in said(
        signed_in("manager").get("/settings/calendar?year=9").get_data(as_text=True)
    )


def test_the_settings_home_stands_before_the_books_are_open(app: Flask, signed_in: SignedIn) -> None:
    page = said(signed_in("administrator").get("/settings").get_data(as_text=True))

    assert "M-PESA The paybill: keys, addresses, limits, tests not set up" in page
    assert "as Pamoja brings them" in page
