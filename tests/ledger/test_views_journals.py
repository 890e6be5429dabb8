"""The accountant's pages as a browser meets them: entries, a journal and a reversal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from app.approvals import queries as approvals
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.files.jobs import examine
from app.kernel.files.models import StoredFile
from app.kernel.money import kes
from app.ledger import entries, queries, service
from app.ledger.values import Cause
from tests.approvals.pressing import approve
from tests.harness.apps import apart
from tests.ledger.book import Book

SignedIn = Callable[[str], FlaskClient]

PATHS = [
    ("get", "/ledger/entries"),
    ("get", "/ledger/entries/{entry}"),
    ("post", "/ledger/entries/{entry}/reverse"),
    ("get", "/ledger/journals/new"),
    ("post", "/ledger/journals"),
    ("post", "/ledger/journals/totals"),
]


def journal_form(book: Book, **changes: str) -> dict[str, str]:
    form = {"key": "key-1", "on": "31/3/2026", "description": "Bank charges March", "reason": "On the statement"}
    for place, (account, side) in enumerate([("5050", "debit"), ("1020", "credit"), ("", "debit")]):
        form |= {
            f"lines.{place}.account": account,
            f"lines.{place}.branch_id": str(book.hq),
            f"lines.{place}.member_account": "",
            f"lines.{place}.{side}": "1,250.50" if account else "",
        }
    return {**form, **changes}


def an_entry(book: Book, cause: str = "approval") -> int:
    return book.post(
        service.debit("5050", kes(100), branch=book.hq),
        service.credit("1020", kes(100), branch=book.hq),
        cause=Cause(cause, str(uuid4())),
        by=Actor.system("tests"),
        description=f"For {cause}",
    )


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, book: Book, method: str, path: str) -> None:
    answer = getattr(client, method)(path.format(entry=an_entry(book)))

    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_an_auditor_reads_and_an_officer_does_not_even_read(
    signed_in: SignedIn, book: Book, method: str, path: str
) -> None:
    address = path.format(entry=an_entry(book))

    assert getattr(signed_in("officer"), method)(address).status_code == 403
    reads = method == "get" and not address.endswith("new")
    assert getattr(signed_in("auditor"), method)(address).status_code == (200 if reads else 403)


def test_a_journal_goes_from_the_form_to_the_ledger_by_two_people(app: Flask, signed_in: SignedIn, book: Book) -> None:
    accountant = signed_in("accountant")
    assert "M-PESA and bank transaction charges" in accountant.get("/ledger/journals/new").get_data(as_text=True)

    answers = [accountant.post("/ledger/journals", data=journal_form(book)) for _ in range(3)]
    assert {answer.location for answer in answers} == {answers[0].location}
    assert book.entries() == 0
    approve(app, answers[0].location)

    assert book.entries() == 1
    entry_id = approvals.get(UUID(answers[0].location.rpartition("/")[2])).result
    page = accountant.get(f"/ledger/entries/{entry_id}").get_data(as_text=True)
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "5050 M-PESA and bank transaction charges" in text and "Total 1,250.50 1,250.50" in text
    assert "By Accountant Wanjiru" in text and "Approved by Manager Wanjiru" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"on": ""}, "This is needed."),
        ({"description": "x"}, "This is needed."),
        ({"reason": ""}, "This is needed."),
        ({"on": "1/4/2026"}, "This day has not come yet."),
        ({"lines.1.credit": "1"}, "they must be equal"),
        ({"lines.1.account": "1990"}, "that a journal may use"),
        ({"lines.0.debit": "1e3"}, "Enter an amount like"),
        ({"lines.0.debit": "-5"}, "Enter an amount above zero."),
        ({"lines.0.branch_id": "x"}, "Enter a whole number."),
        ({"lines.0.account": "", "lines.0.debit": "", "lines.1.account": "", "lines.1.credit": ""}, "This is needed."),
    ],
)
def test_a_journal_with_a_wrong_field_comes_back_as_it_was_typed(
    signed_in: SignedIn, book: Book, changes: dict[str, str], words: str
) -> None:
    answer = signed_in("accountant").post("/ledger/journals", data=journal_form(book, **changes))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert 'value="Bank charges March"' in page or "description" in changes
    assert approvals.overdue_ids() == [] and book.entries() == 0


def test_more_lines_keep_what_was_typed_and_save_nothing(signed_in: SignedIn, book: Book) -> None:
    answer = signed_in("accountant").post("/ledger/journals", data=journal_form(book, more="yes"))

    page = answer.get_data(as_text=True)
    assert (answer.status_code, page.count('class="entry-line"')) == (200, 6)
    assert 'value="1,250.50"' in page and "problem" not in page


def test_totals_follow_what_is_typed(signed_in: SignedIn, book: Book) -> None:
    form = journal_form(book, **{"lines.1.credit": "1,000", "lines.2.debit": "oops"})

    part = signed_in("accountant").post("/ledger/journals/totals", data=form).get_data(as_text=True)

    assert part.strip().startswith('<p id="journal-totals"')
    assert "Debits 1,250.50" in part and "Credits 1,000.00" in part
    assert "250.50 too much on the debit side" in part


def test_entries_are_found_by_account_cause_and_day(signed_in: SignedIn, book: Book) -> None:
    an_entry(book)
    book.roll()
    an_entry(book, "payment")
    auditor = signed_in("auditor")

    def found(query: str) -> set[str]:
        return set(re.findall(r">(For \w+)</a>", auditor.get(f"/ledger/entries{query}").get_data(as_text=True)))

    assert found("") == {"For approval", "For payment"}
    assert found("?cause=payment") == {"For payment"}
    assert found("?first_on=1/4/2026") == {"For payment"}
    assert found("?last_on=31/3/2026&account=5050") == {"For approval"}
    assert found("?account=1110") == found("?account=9999") == set()
    assert "31 Mar 2026" in auditor.get("/ledger/entries?last_on=31/3/2026").get_data(as_text=True)
    assert auditor.get("/ledger/entries?first_on=x").status_code == 422
    assert auditor.get("/ledger/entries?after=x").status_code == 422
    assert entries.cause_types() == ["approval", "payment"]


def test_a_long_list_goes_on_page_after_page(signed_in: SignedIn, book: Book) -> None:
    for _ in range(26):
        an_entry(book)
    auditor = signed_in("auditor")

    first = auditor.get("/ledger/entries?cause=approval").get_data(as_text=True)
    older = re.search(r'href="([^"]*)" rel="next"', first)
    assert older is not None
    second = auditor.get(older[1].replace("&amp;", "&")).get_data(as_text=True)

    assert (first.count("For approval</a>"), second.count("For approval</a>")) == (25, 1)


def test_an_entry_is_reversed_by_two_people(app: Flask, signed_in: SignedIn, book: Book) -> None:
    entry_id, accountant = an_entry(book), signed_in("accountant")

    answers = [
        accountant.post(f"/ledger/entries/{entry_id}/reverse", data={"key": "r", "reason": "Charged twice"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "Its reversal waits for a decision" in accountant.get(f"/ledger/entries/{entry_id}").get_data(as_text=True)
    approve(app, answers[0].location)

    reversal = queries.reversal_of(entry_id)
    assert book.entries() == 2
    page = accountant.get(f"/ledger/entries/{entry_id}").get_data(as_text=True)
    assert f'href="/ledger/entries/{reversal}"' in page and "Ask for the reversal" not in page
    assert "This entry reverses another" in accountant.get(f"/ledger/entries/{reversal}").get_data(as_text=True)


def test_a_payments_entry_is_not_reversed_by_hand(signed_in: SignedIn, book: Book) -> None:
    entry_id, accountant = an_entry(book, "payment"), signed_in("accountant")

    page = accountant.get(f"/ledger/entries/{entry_id}").get_data(as_text=True)
    answer = accountant.post(f"/ledger/entries/{entry_id}/reverse", data={"key": "r", "reason": "Charged twice"})

    assert "It belongs to a payment" in page and "Ask for the reversal" not in page
    assert answer.status_code == 409


def test_a_reversal_needs_a_reason_and_an_entry(signed_in: SignedIn, book: Book) -> None:
    entry_id, accountant = an_entry(book), signed_in("accountant")

    refused = accountant.post(f"/ledger/entries/{entry_id}/reverse", data={"key": "r", "reason": ""})
    missing = accountant.post("/ledger/entries/987654/reverse", data={"key": "r", "reason": "Charged twice"})

    assert (refused.status_code, missing.status_code) == (422, 404)
    assert accountant.get("/ledger/entries/9223372036854775808").status_code == 404


def test_the_form_of_a_journal_stays_within_the_weight_of_a_page(signed_in: SignedIn, book: Book) -> None:
    answer = signed_in("accountant").get("/ledger/journals/new", headers={"Accept-Encoding": "br"})

    assert answer.headers["Content-Encoding"] == "br"
    assert len(answer.data) < 6_000


def a_photo(colour: str = "white") -> io.BytesIO:
    paper = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(paper, "PNG")
    paper.seek(0)
    return paper


def _in_a_worker(app: Flask, job: Callable[[], None]) -> None:
    with app.app_context():
        job()


def test_a_voucher_goes_with_the_journal_and_is_seen_by_who_decides(
    app: Flask, signed_in: SignedIn, book: Book
) -> None:
    accountant = signed_in("accountant")

    answers = [
        accountant.post("/ledger/journals", data=journal_form(book) | {"file": (a_photo(), "invoice 2231.png")})
        for _ in range(2)
    ]
    other = accountant.post("/ledger/journals", data=journal_form(book) | {"file": (a_photo("red"), "other.png")})
    assert [answer.status_code for answer in (*answers, other)] == [303, 303, 422]  # the key stands for one voucher
    [kept] = db.session.scalars(select(StoredFile)).all()
    kept_id = kept.id
    apart(lambda: _in_a_worker(app, lambda: examine(kept_id)))

    address = answers[0].location
    assert "invoice 2231" in signed_in("manager").get(address).get_data(as_text=True)
    assert signed_in("manager").get(f"{address}/attachment").headers["Content-Disposition"].startswith("attachment")
    assert signed_in("teller").get(f"{address}/attachment").status_code == 404


def test_a_voucher_that_is_no_paper_is_refused_and_a_journal_needs_none(signed_in: SignedIn, book: Book) -> None:
    accountant = signed_in("accountant")
    program = (io.BytesIO(b"MZ\x90"), "invoice.exe")

    refused = accountant.post("/ledger/journals", data=journal_form(book) | {"file": program})
    without = accountant.post("/ledger/journals", data=journal_form(book) | {"file": (io.BytesIO(), "")})

    assert (refused.status_code, without.status_code) == (422, 303)
    assert accountant.get(f"{without.location}/attachment").status_code == 404
