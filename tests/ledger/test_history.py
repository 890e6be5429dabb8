"""What accounts had at the ends of past months."""

from __future__ import annotations

from datetime import date

from app.kernel.money import kes
from app.ledger import history
from tests.ledger.book import Book

FEBRUARY, MARCH, APRIL, MAY = (date(2026, month, 1) for month in (2, 3, 4, 5))


def test_each_month_ends_with_what_had_come_until_then(book: Book) -> None:
    account = book.savings(having=kes("1,000"))
    book.roll()
    book.deposit(account, kes("500"))
    book.withdraw(account, kes("200"))
    may = book.roll(days=30)

    assert history.month_ends([account], until=may, months=4) == [
        (FEBRUARY, kes(0)),
        (MARCH, kes("1,000")),
        (APRIL, kes("1,300")),
        (MAY, kes("1,300")),
    ]


def test_money_counts_in_the_month_of_its_value_date(book: Book) -> None:
    account = book.savings()
    book.roll()

    book.deposit(account, kes("700"), on=date(2026, 3, 31))

    assert history.month_ends([account], until=book.today, months=2) == [(MARCH, kes("700")), (APRIL, kes("700"))]


def test_several_accounts_are_added_up_and_others_left_out(book: Book) -> None:
    one, other = book.savings(having=kes("1,000")), book.savings(having=kes("250"))
    book.savings(having=kes("9,000"))

    assert history.month_ends([one, other], until=book.today, months=2)[-1] == (MARCH, kes("1,250"))


def test_a_year_goes_back_over_new_year(book: Book) -> None:
    months = [month for month, _ in history.month_ends([book.savings()], until=book.today, months=12)]

    assert (months[0], months[8], months[9]) == (date(2025, 4, 1), date(2025, 12, 1), date(2026, 1, 1))
