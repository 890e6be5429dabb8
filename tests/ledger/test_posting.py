"""One entry: what it must be, when it counts, and that it happens once."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from app.kernel.actor import Actor
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import queries, service
from app.ledger.errors import (
    AccountClosed,
    AccountMissing,
    AlreadyReversed,
    BelowFloor,
    BooksBehind,
    BooksNotOpen,
    BranchClosed,
    DateInFuture,
    DayOver,
    EntryMissing,
    KeyUsed,
    LedgerAccountMissing,
    LedgerAccountRetired,
    PeriodClosed,
    Unbalanced,
    WrongEntry,
)
from app.ledger.service import Cause, credit, debit
from tests.harness.clock import SettableClock
from tests.ledger.book import DAY_END, TELLER, Book
from tests.ledger.journal import journal, stored


def test_a_deposit_is_a_debit_of_the_paybill_and_a_credit_of_the_member(book: Book) -> None:
    account = book.savings(number="SV-000123")

    book.deposit(account, kes("1,000"))

    assert book.last_entry() == journal("""
        2026-03-31 Deposit
          1120 M-PESA paybill                    1,000.00
          2110 FOSA ordinary savings SV-000123  -1,000.00
    """)
    assert queries.balance(account) == kes("1,000")


def test_a_withdrawal_with_fee_and_excise_is_one_entry(book: Book) -> None:
    account = book.savings(number="SV-000123", having=kes("6,000"))

    book.post(  # journal 9 of the catalogue: 5,000 paid out, fee 50, excise 10
        debit("2110", kes("5,060"), branch=book.hq, member_account=account),
        credit("1020", kes("5,000"), branch=book.hq),
        credit("4320", kes("50"), branch=book.hq),
        credit("2420", kes("10"), branch=book.hq),
        description="Cash withdrawal",
    )

    assert book.last_entry() == journal("""
        2026-03-31 Cash withdrawal
          2110 FOSA ordinary savings SV-000123  5,060.00
          1020 Teller tills                    -5,000.00
          4320 Withdrawal fees                    -50.00
          2420 Excise duty payable                -10.00
    """)
    assert queries.balance(account) == kes("940")


def test_a_loan_keeps_principal_and_interest_apart(book: Book) -> None:
    loan, savings = book.loan(), book.savings()
    book.post(
        debit("1410", kes("100,000"), branch=book.hq, member_account=loan),
        credit("2110", kes("100,000"), branch=book.hq, member_account=savings),
    )
    book.post(
        debit("1430", kes("1,000"), branch=book.hq, member_account=loan), credit("4010", kes("1,000"), branch=book.hq)
    )

    assert queries.balance(loan) == kes("100,000")  # of the money itself
    assert queries.balance(loan, "1430") == kes("1,000")
    assert queries.balance(loan, "1440") == kes("0")


def test_the_same_key_and_money_is_the_same_entry(book: Book) -> None:
    account = book.savings()
    first = book.deposit(account, kes("700"), key="payment:1:1")

    again = book.deposit(account, kes("700"), key="payment:1:1")

    assert again == first
    assert book.entries() == 1
    assert queries.balance(account) == kes("700")


def test_news_of_one_payment_by_another_channel_in_other_words_is_the_same_entry(book: Book) -> None:
    account = book.savings()
    lines = (
        debit("1120", kes("700"), branch=book.hq),
        credit("2110", kes("700"), branch=book.hq, member_account=account),
    )
    first = book.post(*lines, key="payment:1:1", description="Deposit", by=Actor.provider("daraja"))

    again = book.post(*reversed(lines), key="payment:1:1", description="M-PESA deposit", by=Actor.system("mpesa.pull"))

    assert again == first


@pytest.mark.parametrize("change", ["amount", "account", "date", "cause", "relates_to"])
def test_a_known_key_with_other_money_is_refused(book: Book, change: str) -> None:
    account, other = book.savings(), book.savings()

    def pay(
        to: int = account, amount: str = "700", day: int = 31, cause: str = "1", relates: date | None = None
    ) -> None:
        book.post(
            debit("1120", kes(amount), branch=book.hq),
            credit("2110", kes(amount), branch=book.hq, member_account=to),
            on=date(2026, 3, day),
            key="payment:1:1",
            cause=Cause("payment", cause),
            relates_to_on=relates,
        )

    pay()
    changed = {
        "amount": {"amount": "701"},
        "account": {"to": other},
        "date": {"day": 30},
        "cause": {"cause": "2"},
        "relates_to": {"relates": date(2026, 3, 1)},
    }[change]

    with pytest.raises(KeyUsed, match="No money moved"):
        pay(**changed)  # type: ignore[arg-type]

    assert book.entries() == 1


def test_a_reversal_counts_as_other_money_than_the_plain_mirror(book: Book) -> None:
    account = book.savings(having=kes("100"))
    entry = book.deposit(account, kes("50"))
    book.reverse(entry, key="fix")

    with pytest.raises(KeyUsed):
        book.withdraw(account, kes("50"), key="fix")


def test_debits_and_credits_that_differ_are_our_mistake(book: Book) -> None:
    with pytest.raises(Unbalanced, match="1"):
        book.post(debit("1120", kes("100"), branch=book.hq), credit("1020", kes("99"), branch=book.hq))


@pytest.mark.parametrize(
    "lines",
    [
        [debit("1120", kes("100"), branch=1)],
        [],
        [debit("1120", kes("0"), branch=1), credit("1020", kes("0"), branch=1)],
        [debit("2110", kes("1"), branch=1), credit("1020", kes("1"), branch=1)],
        [debit("1120", kes("1"), branch=1, member_account=1), credit("1020", kes("1"), branch=1)],
        [debit("1990", kes("1"), branch=1), credit("1020", kes("1"), branch=1)],
    ],
    ids=["one line", "no line", "nothing", "control without member", "plain with member", "inter-branch"],
)
def test_lines_that_no_caller_may_hand_over_are_our_mistake(book: Book, lines: list[service.Line]) -> None:
    book.savings()

    with pytest.raises(WrongEntry):
        book.post(*lines)

    assert book.entries() == 0


def test_an_account_is_posted_to_only_where_it_is_kept(book: Book) -> None:
    account = book.savings()
    nakuru = book.branch()

    with pytest.raises(WrongEntry, match="not kept"):
        book.post(
            debit("1120", kes("1"), branch=nakuru), credit("2110", kes("1"), branch=nakuru, member_account=account)
        )
    with pytest.raises(WrongEntry, match="not kept"):
        book.post(
            debit("1120", kes("1"), branch=book.hq), credit("2010", kes("1"), branch=book.hq, member_account=account)
        )


def test_unknown_and_retired_accounts_and_branches_are_refused(book: Book) -> None:
    in_transaction(lambda: service.retire_ledger_account("1030", by=TELLER))

    with pytest.raises(LedgerAccountMissing):
        book.post(debit("8888", kes("1"), branch=book.hq), credit("1020", kes("1"), branch=book.hq))
    with pytest.raises(LedgerAccountRetired):
        book.post(debit("1030", kes("1"), branch=book.hq), credit("1020", kes("1"), branch=book.hq))
    with pytest.raises(BranchClosed):
        book.post(debit("1120", kes("1"), branch=99), credit("1020", kes("1"), branch=99))
    with pytest.raises(AccountMissing):
        book.post(
            debit("1120", kes("1"), branch=book.hq), credit("2110", kes("1"), branch=book.hq, member_account=9999)
        )


def test_a_closed_account_takes_no_more_money(book: Book) -> None:
    account = book.savings()
    in_transaction(lambda: service.close_account(account, by=TELLER))

    with pytest.raises(AccountClosed, match="31 Mar 2026"):
        book.deposit(account, kes("1"))


def test_nobody_withdraws_what_is_not_there(book: Book) -> None:
    account = book.savings(having=kes("500"), number="SV-000007")

    with pytest.raises(BelowFloor, match=r"SV-000007 has only KES 500\.00 free\. No money moved") as refused:
        book.withdraw(account, kes("500.01"))

    assert refused.value.facts["available_cents"] == 50_000
    assert queries.balance(account) == kes("500")


def test_a_minimum_balance_stays(book: Book) -> None:
    account = book.savings(having=None, floor=None)
    book.deposit(account, kes("1,500"))
    in_transaction(lambda: service.set_floor(account, "2110", kes("500"), by=TELLER))

    book.withdraw(account, kes("1,000"))
    with pytest.raises(BelowFloor, match=r"only KES 0\.00 free"):
        book.withdraw(account, kes("0.01"))


def test_money_that_comes_and_goes_in_one_entry_needs_no_balance(book: Book) -> None:
    account = book.savings()

    book.post(
        debit("2110", kes("100"), branch=book.hq, member_account=account),
        credit("2110", kes("100"), branch=book.hq, member_account=account),
    )

    assert queries.balance(account) == kes("0")


def test_each_branch_balances_by_itself(book: Book) -> None:
    nakuru = book.branch()
    account = book.savings(branch=nakuru, number="SV-000009")

    book.deposit(account, kes("250"))

    assert book.last_entry() == journal("""
        2026-03-31 Deposit
          1120 M-PESA paybill                              250.00
          1990 Inter-branch                               -250.00
          1990 Inter-branch @NAKURU                        250.00
          2110 FOSA ordinary savings SV-000009 @NAKURU    -250.00
    """)
    assert book.trial_balance(branch_id=nakuru) == {"1990": "250.00", "2110": "-250.00"}
    assert book.trial_balance() == {"1120": "250.00", "2110": "-250.00"}


def test_a_reversal_is_the_mirror_and_names_what_it_corrects(book: Book) -> None:
    nakuru = book.branch()
    account = book.savings(branch=nakuru, number="SV-000009")
    entry = book.deposit(account, kes("250"))

    reversal = book.reverse(entry)

    assert stored(reversal) == journal("""
        2026-03-31 Posted to the wrong account
          1120 M-PESA paybill                             -250.00
          1990 Inter-branch                                250.00
          1990 Inter-branch @NAKURU                       -250.00
          2110 FOSA ordinary savings SV-000009 @NAKURU     250.00
    """)
    assert queries.entry(reversal).reverses == entry
    assert queries.reversal_of(entry) == reversal
    assert queries.balance(account) == kes("0")


def test_an_entry_is_reversed_once(book: Book) -> None:
    entry = book.deposit(book.savings(), kes("250"))
    reversal = book.reverse(entry, key="fix")

    assert book.reverse(entry, key="fix") == reversal  # the same request again
    with pytest.raises(AlreadyReversed):
        book.reverse(entry, key="another")


def test_what_was_spent_cannot_be_reversed(book: Book) -> None:
    account = book.savings()
    entry = book.deposit(account, kes("250"))
    book.withdraw(account, kes("100"))

    with pytest.raises(BelowFloor):
        book.reverse(entry)


def test_a_reversal_that_is_no_mirror_is_our_mistake(book: Book) -> None:
    account = book.savings(having=kes("1,000"))
    entry = book.deposit(account, kes("250"))

    with pytest.raises(WrongEntry, match="mirror"):
        in_transaction(
            lambda: service.post(
                [
                    debit("2110", kes("249"), branch=book.hq, member_account=account),
                    credit("1120", kes("249"), branch=book.hq),
                ],
                on=book.today,
                cause=Cause("test", "1"),
                key="half",
                by=TELLER,
                description="Half",
                reverses=entry,
            )
        )


def test_there_is_nothing_to_reverse_where_there_is_no_entry(book: Book) -> None:
    with pytest.raises(EntryMissing):
        book.reverse(service.EntryId(999_999))


def test_a_backdated_entry_counts_on_its_date_and_is_booked_today(book: Book) -> None:
    account = book.savings()

    entry = book.deposit(account, kes("10"), on=date(2026, 3, 5))

    head = queries.entry(entry)
    assert (head.value_on, head.booked_on, head.relates_to_on) == (date(2026, 3, 5), date(2026, 3, 31), None)
    assert queries.balance_on(account, date(2026, 3, 4)) == kes("0")
    assert queries.balance_on(account, date(2026, 3, 5)) == kes("10")


def test_what_belongs_to_a_closed_month_counts_on_the_first_open_day(book: Book) -> None:
    account = book.savings()
    book.roll()
    book.seal()
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))

    entry = book.deposit(account, kes("10"), on=date(2026, 3, 5), key="late")

    head = queries.entry(entry)
    assert (head.value_on, head.booked_on, head.relates_to_on) == (date(2026, 4, 1), date(2026, 4, 1), date(2026, 3, 5))
    assert book.deposit(account, kes("10"), on=date(2026, 3, 5), key="late") == entry


def test_a_retry_after_the_month_was_closed_is_still_the_same_entry(book: Book) -> None:
    account = book.savings()
    entry = book.deposit(account, kes("10"), on=date(2026, 3, 5), key="late")
    book.roll()
    book.seal()
    in_transaction(lambda: service.close_period(date(2026, 3, 1), by=TELLER))

    assert book.deposit(account, kes("10"), on=date(2026, 3, 5), key="late") == entry


def test_a_journal_that_may_not_move_is_refused_in_a_closed_month(book: Book) -> None:
    account = book.savings()

    with pytest.raises(PeriodClosed, match=r"28 Feb 2026 is closed\. Use 1 Mar 2026"):
        book.post(
            debit("1120", kes("1"), branch=book.hq),
            credit("2110", kes("1"), branch=book.hq, member_account=account),
            on=date(2026, 2, 28),
            may_move=False,
        )


def test_a_date_that_has_not_come_is_refused(book: Book) -> None:
    with pytest.raises(DateInFuture, match="1 Apr 2026 has not come yet"):
        book.deposit(book.savings(), kes("1"), on=date(2026, 4, 1))


def test_after_midnight_a_new_date_waits_for_the_roll(book: Book, clock: SettableClock) -> None:
    clock.set("2026-04-01T00:00:05+03:00")

    with pytest.raises(BooksBehind):
        book.deposit(book.savings(), kes("1"), on=date(2026, 4, 1))


def test_only_its_own_close_books_on_a_day_that_is_over(book: Book) -> None:
    account = book.savings()
    book.roll()
    lines = (debit("5020", kes("1"), branch=book.hq), credit("2110", kes("1"), branch=book.hq, member_account=account))

    with pytest.raises(DayOver):
        book.post(*lines, on=date(2026, 3, 31), booked_on=date(2026, 3, 31))
    entry = book.post(*lines, on=date(2026, 3, 31), booked_on=date(2026, 3, 31), by=DAY_END)
    book.seal()
    with pytest.raises(DayOver):
        book.post(*lines, on=date(2026, 3, 31), booked_on=date(2026, 3, 31), by=DAY_END)

    assert queries.entry(entry).booked_on == date(2026, 3, 31)


def test_the_close_of_a_day_cannot_count_after_it(book: Book) -> None:
    account = book.savings()
    book.roll()

    with pytest.raises(DateInFuture):
        book.post(
            debit("5020", kes("1"), branch=book.hq),
            credit("2110", kes("1"), branch=book.hq, member_account=account),
            on=date(2026, 4, 1),
            booked_on=date(2026, 3, 31),
            by=DAY_END,
        )


def test_nothing_is_posted_before_the_books_are_open(app: Flask) -> None:
    with pytest.raises(BooksNotOpen):
        in_transaction(
            lambda: service.post(
                [debit("1120", kes("1"), branch=1), credit("1020", kes("1"), branch=1)],
                on=date(2026, 3, 31),
                cause=Cause("test", "1"),
                key="x",
                by=TELLER,
                description="Too early",
            )
        )
    with pytest.raises(BooksNotOpen):
        queries.business_date()


def test_an_entry_remembers_who_made_it_and_for_whom(book: Book) -> None:
    by = Actor.system("payments.process_callback", on_behalf_of="staff:42")

    entry = book.post(
        debit("1120", kes("1"), branch=book.hq),
        credit("1020", kes("1"), branch=book.hq),
        by=by,
        cause=Cause("payment", "0198"),
    )

    head = queries.entry(entry)
    assert (head.actor_kind, head.actor_id, head.cause) == (
        "system",
        "payments.process_callback",
        Cause("payment", "0198"),
    )
    assert queries.entries_of(Cause("payment", "0198")) == [entry]
