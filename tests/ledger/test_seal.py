"""The seal of a day, checked with another implementation of docs/ledger-seal.md than the database's."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import models as t
from app.ledger import queries, service
from app.ledger.errors import DayNotReady, PeriodClosed, PeriodNotReady
from app.ledger.service import Cause, credit, debit
from tests.ledger import sealing
from tests.ledger.book import DAY_END, TELLER, Book, differences

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger-seal.md"

EXPORT = """
    SELECT e.id, e.booked_on::text, e.value_on::text, e.relates_to_on::text,
           to_char(e.posted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS posted_at, e.cause_type, e.cause_id, e.description,
           e.actor_kind, e.actor_id, e.actor_channel, e.on_behalf_of, e.idempotency_key, e.reverses_id
      FROM ledger.entry e WHERE e.booked_on = :on ORDER BY e.id
"""

EXPORT_LINES = """
    SELECT p.line, a.code, b.code, m.number, p.amount_cents
      FROM ledger.posting p
      JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
      JOIN ledger.branch b ON b.id = p.branch_id
      LEFT JOIN ledger.member_account m ON m.id = p.member_account_id
     WHERE p.entry_id = :entry
"""


def exported(on: date) -> list[bytes]:
    """The digests of a day's entries, worked out from an export of the rows."""
    entries = db.session.execute(text(EXPORT), {"on": on}).mappings().all()
    return [
        sealing.digest(
            sealing.canonical(
                dict(entry), [tuple(row) for row in db.session.execute(text(EXPORT_LINES), {"entry": entry["id"]})]
            )
        )
        for entry in entries
    ]


def test_another_implementation_comes_to_the_same_seals(book: Book) -> None:
    nakuru = book.branch()
    account, there = book.savings(number="SV-000001"), book.savings(number="SV-000002", branch=nakuru)
    first = book.deposit(account, kes("1,000"))
    book.deposit(there, kes("2.50"), on=date(2026, 3, 2))
    book.reverse(first)
    book.post(
        debit("1120", kes("1"), branch=book.hq),
        credit("1020", kes("1"), branch=book.hq),
        description='Odd: "quotes" \\ back\tslash\nnew line, Wanjikũ \u2028 \x7f \x01 €',
        by=Actor("system", "payments.pull", "system", on_behalf_of="staff:7"),
        key="odd:\U0001f4b0",
    )
    book.roll()
    in_transaction(
        lambda: service.post_batch(
            [
                service.BatchEntry(
                    f"i:{n}",
                    date(2026, 1, 31),
                    Cause("run", "1"),
                    "Interest",
                    (
                        debit("5020", kes("1"), branch=book.hq),
                        credit("2110", kes("1"), branch=nakuru, member_account=there),
                    ),
                )
                for n in range(12)
            ],
            by=TELLER,
        )
    )
    book.roll(2)

    sealed = book.seal()

    previous = sealing.NO_DAY_BEFORE
    for on, seal in zip((date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)), sealed, strict=True):
        digests = exported(on)
        assert digests == list(
            db.session.scalars(
                select(t.entry_digest.c.digest).where(t.entry_digest.c.booked_on == on).order_by("entry_id")
            )
        )
        assert seal == sealing.day_hash(on.isoformat(), previous, digests)
        previous = seal
    assert differences() == []


def test_the_document_holds_a_test_vector() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n(.*?)```", document, re.DOTALL)
    forms = [line for line in blocks[0].splitlines() if line]
    digests = [sealing.digest(form) for form in forms]

    assert [digest.hex() for digest in digests] == blocks[1].split()
    day = sealing.day_hash("2026-03-31", sealing.NO_DAY_BEFORE, digests)
    assert [day.hex(), sealing.day_hash("2026-04-01", day, []).hex()] == blocks[2].split()


def test_the_database_makes_the_documents_vector(owner_connection: Any) -> None:
    """The document's entries, written as they stand there, have the digests that stand there."""
    document = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n(.*?)```", document, re.DOTALL)
    connection = owner_connection
    connection.execute("INSERT INTO ledger.business_day VALUES ('2026-03-31', 'open', now())")
    connection.execute("INSERT INTO ledger.branch (code, name) VALUES ('NAKURU', 'Nakuru')")
    connection.execute(
        "INSERT INTO ledger.member_account (number, kind, branch_id, ledger_account_id, opened_on, opened_by)"
        " SELECT 'SV-000123', 'savings', b.id, a.id, '2026-03-31', 'test' FROM ledger.branch b, ledger.ledger_account a"
        " WHERE b.code = 'NAKURU' AND a.code = '2110'"
    )
    for form in blocks[0].splitlines():
        _insert(connection, form)

    made = connection.execute(
        "SELECT encode(digest, 'hex') FROM ledger._digests('2026-03-31') ORDER BY entry_id"
    ).fetchall()

    assert [row[0] for row in made] == blocks[1].split()


def _insert(connection: Any, form: str) -> None:
    import json

    (number, booked, value, relates, at, *texts, reverses, lines) = json.loads(form)
    connection.execute(
        "INSERT INTO ledger.entry (id, booked_on, value_on, relates_to_on, posted_at, cause_type, cause_id,"
        " description, actor_kind, actor_id, actor_channel, on_behalf_of, idempotency_key, reverses_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (number, booked, value, relates, at, *texts, reverses),
    )
    for line, code, branch, account, cents in lines:
        connection.execute(
            "INSERT INTO ledger.posting (entry_id, line, ledger_account_id, branch_id, member_account_id, amount_cents,"
            " booked_on, value_on) SELECT %s, %s, a.id, b.id, (SELECT id FROM ledger.member_account WHERE number = %s),"
            " %s, %s, %s FROM ledger.ledger_account a, ledger.branch b WHERE a.code = %s AND b.code = %s",
            (number, line, account, cents, booked, value, code, branch),
        )


def test_a_day_without_business_is_sealed_as_well(book: Book) -> None:
    book.roll()

    (seal,) = book.seal()

    assert seal == sealing.day_hash("2026-03-31", sealing.NO_DAY_BEFORE, [])


def test_a_sealed_day_keeps_its_seal(book: Book) -> None:
    book.deposit(book.savings(), kes("1"))
    book.roll()
    (seal,) = book.seal()

    again = in_transaction(lambda: service.seal_day(date(2026, 3, 31), by=DAY_END))

    assert again == seal
    assert queries.seal_of(date(2026, 3, 31)).entry_count == 1


def test_days_are_sealed_in_order_once_they_are_over(book: Book) -> None:
    for not_yet in (date(2026, 3, 31), date(2026, 3, 30), date(2026, 4, 1)):
        with pytest.raises(DayNotReady):
            in_transaction(lambda on=not_yet: service.seal_day(on, by=DAY_END))  # type: ignore[misc]
    book.roll(2)

    with pytest.raises(DayNotReady, match="1 Apr 2026"):
        in_transaction(lambda: service.seal_day(date(2026, 4, 1), by=DAY_END))
    book.seal()

    assert [day.state for day in queries.days(latest=5)] == ["open", "sealed", "sealed"]


def test_the_roll_opens_one_day_at_a_time_and_a_new_month_with_it(book: Book) -> None:
    assert book.roll() == date(2026, 4, 1)

    assert in_transaction(lambda: service.roll_day(date(2026, 3, 31), by=DAY_END)) == date(2026, 4, 1)  # no day twice
    assert [(row.month, row.state) for row in db.session.execute(select(t.period).order_by("month"))] == [
        (date(2026, 3, 1), "open"),
        (date(2026, 4, 1), "open"),
    ]


def test_books_are_opened_once(book: Book) -> None:
    assert in_transaction(lambda: service.open_books(date(2026, 1, 1), by=TELLER)) is False
    assert book.today == date(2026, 3, 31)


def test_a_month_is_closed_after_its_last_day_is_sealed(book: Book) -> None:
    with pytest.raises(PeriodNotReady):
        in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))
    book.roll()
    with pytest.raises(PeriodNotReady):
        in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))
    book.seal()
    for _ in range(2):
        in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))

    with pytest.raises(PeriodClosed):
        book.post(
            debit("1120", kes("1"), branch=book.hq),
            credit("1020", kes("1"), branch=book.hq),
            on=date(2026, 3, 31),
            may_move=False,
        )


def test_months_are_closed_in_order(book: Book) -> None:
    book.roll(31)
    book.seal()

    with pytest.raises(PeriodNotReady):
        in_transaction(lambda: service.close_period(date(2026, 4, 1), by=TELLER))
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))
    in_transaction(lambda: service.close_period(date(2026, 4, 1), by=TELLER))


def test_earlier_months_are_opened_for_books_that_are_brought_in(book: Book) -> None:
    in_transaction(lambda: service.open_period(date(2026, 2, 1), by=TELLER))
    in_transaction(lambda: service.open_period(date(2026, 2, 1), by=TELLER))

    entry = book.deposit(book.savings(), kes("1"), on=date(2026, 2, 14))

    assert queries.entry(entry).value_on == date(2026, 2, 14)
    with pytest.raises(PeriodNotReady):
        in_transaction(lambda: service.open_period(date(2025, 12, 1), by=TELLER))


def test_a_closed_month_stays_closed(book: Book) -> None:
    book.roll()
    book.seal()
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))

    for month in (date(2026, 3, 1), date(2026, 2, 1)):
        with pytest.raises(PeriodNotReady):
            in_transaction(lambda month=month: service.open_period(month, by=TELLER))  # type: ignore[misc]


def test_acts_that_are_not_money_are_noted_with_who_did_them(book: Book) -> None:
    book.branch()
    book.roll()

    noted = db.session.execute(select(t.act.c.act, t.act.c.subject, t.act.c.actor).order_by(t.act.c.id)).all()

    assert noted == [
        ("add_ledger_account", "1245", "system:migration"),
        ("open_books", "2026-03-31", "staff:teller-1"),
        ("add_branch", "NAKURU", "staff:teller-1"),
        ("roll_day", "2026-03-31", "system:dayend"),
    ]
