"""The chart of accounts, the trial balance and the months, as pages: proposed by one person, decided by another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.approvals import queries as approvals
from app.approvals import service as approving
from app.approvals.models import Approval
from app.approvals.states import ApprovalState, Verdict
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Conflict, Invalid
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import chart, queries, service
from app.ledger.chart import MonthEnd, NewAccount, Retirement
from app.ledger.errors import LedgerAccountInUse, PeriodNotReady
from tests.fees import examples as fees
from tests.harness.people import hire
from tests.ledger.book import TELLER, Book
from tests.savings import examples as savings

SignedIn = Callable[[str], FlaskClient]

PATHS = [
    ("get", "/ledger/chart"),
    ("get", "/ledger/chart/new"),
    ("post", "/ledger/chart"),
    ("get", "/ledger/chart/retire?code=4510"),
    ("post", "/ledger/chart/retire"),
    ("get", "/ledger/trial-balance"),
    ("get", "/ledger/months"),
    ("post", "/ledger/months/close"),
]


def account_form(**changes: str) -> dict[str, str]:
    form = {"key": "key-1", "type": "income", "code": "4360", "name": "Hall hire", "reason": "Minute 8/2026"}
    return {**form, **changes}


def said(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def waiting() -> list[tuple[str, str]]:
    return [(one.command, one.title) for one in db.session.scalars(select(Approval)) if one.state.value == "waiting"]


def approve() -> ApprovalState:
    """Somebody else looks at the only proposal and approves it."""
    approval_id: UUID = db.session.scalars(select(Approval.id)).one()
    manager = Actor("staff", str(hire("manager")), "web")
    version = approvals.shown(approval_id).version
    return in_transaction(
        lambda: approving.decide(approval_id, Verdict.APPROVE, by=manager, note=None, version=version)
    )


def account(**changes: object) -> NewAccount:
    return NewAccount.parse_json({"type": "income", "code": "4360", "name": "Hall hire", **changes})


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(book: Book, client: FlaskClient, method: str, path: str) -> None:
    answer = getattr(client, method)(path)

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_an_auditor_reads_but_proposes_nothing(book: Book, signed_in: SignedIn, method: str, path: str) -> None:
    answer = getattr(signed_in("auditor"), method)(path)

    reads = method == "get" and "new" not in path and "retire" not in path
    assert answer.status_code == (200 if reads else 403)


def test_an_account_is_proposed_once_and_there_when_it_is_approved(book: Book, signed_in: SignedIn) -> None:
    accountant = signed_in("accountant")

    answers = [accountant.post("/ledger/chart", data=account_form()) for _ in range(2)]

    assert [answer.location for answer in answers] == ["/ledger/chart"] * 2
    assert waiting() == [("ledger.add_account", "New account 4360 Hall hire")]
    assert "New account 4360 Hall hire" in said(accountant.get("/ledger/chart").get_data(as_text=True))
    assert approve() is ApprovalState.APPROVED
    assert (queries.ledger_account("4360").natural_side, queries.ledger_account("4360").is_control) == (-1, False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code": "4510"}, "The chart has an account with this code."),
        ({"code": "5360"}, "Codes of this kind start with 4."),
        ({"code": "43"}, "This does not have the right form."),
        ({"type": "toll"}, "Choose one of the options."),
        ({"name": ""}, "This is needed."),
        ({"form_line": "<b>"}, "Write a line of the regulator"),
        ({"reason": ""}, "This is needed."),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    book: Book, signed_in: SignedIn, changes: dict[str, str], sentence: str
) -> None:
    answer = signed_in("accountant").post("/ledger/chart", data=account_form(**changes))

    assert (answer.status_code, sentence in answer.get_data(as_text=True)) == (422, True)
    assert waiting() == []


def test_a_contra_account_grows_on_the_other_side(book: Book) -> None:
    in_transaction(lambda: chart.add(account(is_contra=True), key="k", on=book.today, by=TELLER))

    assert queries.ledger_account("4360").natural_side == 1


def test_an_account_that_nobody_needs_is_retired(book: Book, signed_in: SignedIn) -> None:
    accountant = signed_in("accountant")
    assert "Retire an account" in accountant.get("/ledger/chart/retire").get_data(as_text=True)
    assert "No entry can use it any more" in accountant.get("/ledger/chart/retire?code=4610").get_data(as_text=True)

    answer = accountant.post("/ledger/chart/retire", data={"key": "k", "code": "4610", "reason": "No donations"})

    assert answer.status_code == 303
    assert queries.ledger_account("4610").is_active
    assert approve() is ApprovalState.APPROVED
    assert not queries.ledger_account("4610").is_active
    assert "4610" not in [line.code for line in queries.ledger_accounts()]
    assert "Retired" in said(accountant.get("/ledger/chart").get_data(as_text=True))
    with pytest.raises(Conflict, match="is retired already"):
        chart.retirement_effect(Retirement(code="4610"))


def test_an_account_in_use_stays(book: Book, signed_in: SignedIn) -> None:
    in_transaction(
        lambda: service.post(
            [service.debit("1020", kes(70), branch=book.hq), service.credit("4510", kes(70), branch=book.hq)],
            on=book.today, cause=service.Cause("x", "x"), key="x", by=TELLER, description="Rent",
        )
    )  # fmt: skip
    savings.offer(control_account="2120")
    fees.tariff(income_account="4320")

    reasons = {}
    for code in ("4510", "2120", "4320", "2210"):
        with pytest.raises(LedgerAccountInUse) as refusal:
            chart.retirement_effect(Retirement(code=code))
        reasons[code] = refusal.value.message

    assert "has KES 70.00 at Nairobi" in reasons["4510"]
    assert "stands on it" in reasons["2120"]
    assert "The withdrawal fee is booked to it." in reasons["4320"]
    assert "not yet allocated" in reasons["2210"]
    refused = signed_in("accountant").post("/ledger/chart/retire", data={"code": "4510", "key": "k", "reason": "why"})
    assert (refused.status_code, waiting()) == (409, [])
    assert signed_in("accountant").get("/ledger/chart/retire?code=9999").status_code == 404


def test_what_has_changed_since_the_proposal_is_refused_when_it_is_decided(book: Book) -> None:
    in_transaction(
        lambda: service.post(
            [service.debit("1020", kes(70), branch=book.hq), service.credit("4510", kes(70), branch=book.hq)],
            on=book.today, cause=service.Cause("x", "x"), key="x", by=TELLER, description="Rent",
        )
    )  # fmt: skip

    with pytest.raises(LedgerAccountInUse):
        in_transaction(lambda: chart.retire(Retirement(code="4510"), key="k", on=book.today, by=TELLER))

    assert queries.ledger_account("4510").is_active


def test_the_chart_shows_balances_on_the_side_on_which_accounts_grow(book: Book) -> None:
    in_transaction(
        lambda: service.post(
            [service.debit("1020", kes(70), branch=book.hq), service.credit("4510", kes(70), branch=book.hq)],
            on=book.today, cause=service.Cause("x", "x"), key="x", by=TELLER, description="Rent",
        )
    )  # fmt: skip

    standing = {line.account.code: line.balance for line in chart.lines()}

    assert (standing["1020"], standing["4510"], standing["4610"]) == (kes(70), kes(70), kes(0))


def test_the_trial_balance_adds_up_and_leads_to_the_entries(book: Book, signed_in: SignedIn) -> None:
    in_transaction(
        lambda: service.post(
            [service.debit("1020", kes(70), branch=book.hq), service.credit("4510", kes(70), branch=book.hq)],
            on=book.today, cause=service.Cause("x", "x"), key="x", by=TELLER, description="Rent",
        )
    )  # fmt: skip
    accountant = signed_in("accountant")

    page = accountant.get("/ledger/trial-balance").get_data(as_text=True)

    assert "Total 70.00 70.00" in said(page)
    assert 'href="/ledger/entries?account=1020"' in page
    assert "Nothing stood on any account" in accountant.get("/ledger/trial-balance?on=2026-03-30").get_data(
        as_text=True
    )
    assert accountant.get("/ledger/trial-balance?on=soon").status_code == 422


def test_a_month_is_closed_once_its_days_are_sealed_and_somebody_else_agrees(book: Book, signed_in: SignedIn) -> None:
    book.roll()
    book.seal()
    accountant = signed_in("accountant")
    assert "Close March" in accountant.get("/ledger/months").get_data(as_text=True)

    form = {"key": "key-1", "month": "2026-03-01"}
    answers = [accountant.post("/ledger/months/close", data=form).status_code for _ in range(2)]

    assert (answers, waiting()) == ([303, 303], [("ledger.close_month", "Close March 2026")])
    assert "Close March 2026" in said(accountant.get("/ledger/months").get_data(as_text=True))
    assert approve() is ApprovalState.APPROVED
    [april, march] = chart.months()
    assert (april.is_open, march.is_open) == (True, False)
    assert march.closed_by is not None and march.closed_by.startswith("staff:")
    assert "Accountant Wanjiru" in said(accountant.get("/ledger/months").get_data(as_text=True))


def test_a_month_that_is_not_complete_stays_open(book: Book, signed_in: SignedIn) -> None:
    book.roll()
    accountant = signed_in("accountant")

    too_early = accountant.post("/ledger/months/close", data={"key": "a", "month": "2026-03-01"})
    unknown = accountant.post("/ledger/months/close", data={"key": "b", "month": "2026-05-01"})
    nonsense = accountant.post("/ledger/months/close", data={"key": "c", "month": "March"})

    assert [answer.status_code for answer in (too_early, unknown, nonsense)] == [409, 409, 422]
    assert "close the months before it first" in too_early.get_data(as_text=True)
    with pytest.raises(PeriodNotReady):
        chart.month_effect(MonthEnd(month=date(2026, 3, 1)))


def test_a_code_taken_meanwhile_is_refused_when_it_is_decided(book: Book) -> None:
    with pytest.raises(Invalid):
        chart.account_effect(account(code="4510"))
    with pytest.raises(Conflict):
        in_transaction(lambda: chart.add(account(code="4510"), key="k", on=book.today, by=TELLER))
