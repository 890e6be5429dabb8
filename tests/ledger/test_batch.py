"""Many entries at once: the same rules as for one, all or nothing."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import queries, service
from app.ledger.batch import open_batch, post_open_batch
from app.ledger.errors import (
    AccountClosed,
    AccountMissing,
    BelowFloor,
    BranchClosed,
    DateInFuture,
    KeyUsed,
    LedgerAccountMissing,
    LedgerAccountRetired,
    Unbalanced,
    WrongEntry,
)
from app.ledger.service import BatchEntry, BatchResult, Cause, Line, credit, debit
from tests.ledger.book import DAY_END, TELLER, Book, differences
from tests.ledger.journal import journal, stored

INTEREST = Cause("interest_run", "2026-03")


def entry(key: str, *lines: Line, on: date = date(2026, 3, 31), cause: Cause = INTEREST) -> BatchEntry:
    return BatchEntry(key=key, on=on, cause=cause, description="Interest", lines=lines)


def interest(
    book: Book, account: int, amount: str, *, key: str | None = None, on: date = date(2026, 3, 31)
) -> BatchEntry:
    branch = queries.branch_of(account)
    return entry(
        key or f"interest:{account}",
        debit("5020", kes(amount), branch=book.hq),
        credit("2110", kes(amount), branch=branch, member_account=account),
        on=on,
    )


def post(*entries: BatchEntry) -> BatchResult:
    return in_transaction(lambda: service.post_batch(entries, by=TELLER))


def test_a_batch_posts_what_single_entries_would(book: Book) -> None:
    nakuru = book.branch()
    here, there = book.savings(number="SV-000101"), book.savings(number="SV-000102", branch=nakuru)

    result = post(interest(book, here, "12.50"), interest(book, there, "7"))

    assert result == BatchResult(entries=2, postings=6, replayed=0)
    first, second = queries.entries_of(INTEREST)
    assert stored(first) == journal("""
        2026-03-31 Interest
          5020 Interest on savings                12.50
          2110 FOSA ordinary savings SV-000101   -12.50
    """)
    assert stored(second) == journal("""
        2026-03-31 Interest
          5020 Interest on savings                         7.00
          1990 Inter-branch                               -7.00
          1990 Inter-branch @NAKURU                        7.00
          2110 FOSA ordinary savings SV-000102 @NAKURU    -7.00
    """)
    assert queries.balances([here, there]) == {here: kes("12.50"), there: kes("7")}
    assert differences() == []


def test_an_empty_batch_posts_nothing(book: Book) -> None:
    assert post() == BatchResult(entries=0, postings=0, replayed=0)


def test_one_account_may_appear_in_many_entries(book: Book) -> None:
    account = book.savings()

    post(*(interest(book, account, "1", key=f"i:{n}") for n in range(50)))

    assert queries.balance(account) == kes("50")


def test_a_batch_that_comes_again_posts_only_what_is_new(book: Book) -> None:
    accounts = [book.savings() for _ in range(4)]
    post(*(interest(book, account, "1") for account in accounts[:3]))

    again = post(*(interest(book, account, "1") for account in accounts))

    assert again == BatchResult(entries=1, postings=2, replayed=3)
    assert [amount.plain() for amount in queries.balances(accounts).values()] == ["1.00"] * 4


def test_a_known_key_with_other_money_stops_the_batch(book: Book) -> None:
    account, other = book.savings(), book.savings()
    post(interest(book, account, "1"))

    with pytest.raises(KeyUsed):
        post(interest(book, account, "2"), interest(book, other, "1"))

    assert queries.balances([account, other]) == {account: kes("1"), other: kes("0")}


def test_a_key_twice_in_one_batch_is_our_mistake(book: Book) -> None:
    account = book.savings()

    with pytest.raises(WrongEntry, match="twice"):
        post(interest(book, account, "1", key="same"), interest(book, account, "2", key="same"))


def test_one_bad_entry_posts_none(book: Book) -> None:
    rich, poor = book.savings(having=kes("100")), book.savings(having=kes("1"), number="SV-000077")

    def fee(account: int) -> BatchEntry:
        return entry(
            f"fee:{account}",
            debit("2110", kes("5"), branch=book.hq, member_account=account),
            credit("4320", kes("5"), branch=book.hq),
        )

    with pytest.raises(BelowFloor, match=r"SV-000077 has only KES 1\.00 free"):
        post(fee(rich), fee(poor))

    assert queries.balance(rich) == kes("100")


def test_a_batch_refuses_what_a_single_entry_refuses(book: Book) -> None:
    account, closed = book.savings(), book.savings()
    in_transaction(lambda: service.close_account(closed, by=TELLER))
    in_transaction(lambda: service.retire_ledger_account("1030", by=TELLER))
    hq = book.hq

    def pair(first: Line, second: Line) -> None:
        post(interest(book, account, "1"), entry("bad", first, second))

    with pytest.raises(Unbalanced):
        pair(debit("1120", kes("2"), branch=hq), credit("1020", kes("1"), branch=hq))
    with pytest.raises(WrongEntry):
        post(entry("bad", debit("1120", kes("2"), branch=hq)))
    with pytest.raises(WrongEntry):
        post(entry("bad"))
    with pytest.raises(WrongEntry, match="needs a member"):
        pair(debit("1120", kes("1"), branch=hq), credit("2110", kes("1"), branch=hq))
    with pytest.raises(WrongEntry, match="takes no member"):
        pair(debit("1120", kes("1"), branch=hq, member_account=account), credit("1020", kes("1"), branch=hq))
    with pytest.raises(WrongEntry, match="Inter-branch"):
        pair(debit("1990", kes("1"), branch=hq), credit("1020", kes("1"), branch=hq))
    with pytest.raises(WrongEntry, match="not kept"):
        pair(debit("1120", kes("1"), branch=hq), credit("2010", kes("1"), branch=hq, member_account=account))
    with pytest.raises(LedgerAccountMissing):
        pair(debit("8888", kes("1"), branch=hq), credit("1020", kes("1"), branch=hq))
    with pytest.raises(LedgerAccountRetired):
        pair(debit("1030", kes("1"), branch=hq), credit("1020", kes("1"), branch=hq))
    with pytest.raises(BranchClosed):
        pair(debit("1120", kes("1"), branch=99), credit("1020", kes("1"), branch=99))
    with pytest.raises(AccountMissing):
        pair(debit("1120", kes("1"), branch=hq), credit("2110", kes("1"), branch=hq, member_account=9_999))
    with pytest.raises(AccountClosed):
        pair(debit("1120", kes("1"), branch=hq), credit("2110", kes("1"), branch=hq, member_account=closed))
    with pytest.raises(DateInFuture):
        post(interest(book, account, "1", on=date(2026, 4, 1)))

    assert book.entries() == 0


def test_zero_amounts_are_refused(book: Book) -> None:
    account = book.savings()

    with pytest.raises(WrongEntry):
        post(interest(book, account, "0"))


def test_lines_that_no_entry_claims_are_our_mistake(book: Book) -> None:
    def post_loose_lines() -> None:
        open_batch()
        db.session.execute(
            text(
                "INSERT INTO pg_temp.batch_line (entry, line, account, branch_id, amount_cents)"
                " VALUES (1, 1, '1120', 1, 5), (1, 2, '1020', 1, -5)"
            )
        )
        post_open_batch(by=TELLER)

    with pytest.raises(WrongEntry, match="each line an entry"):
        in_transaction(post_loose_lines)


def test_the_lines_of_a_batch_may_be_made_in_sql(book: Book) -> None:
    accounts = [book.savings(having=kes("1,000")) for _ in range(3)]

    def work() -> BatchResult:
        open_batch()
        db.session.execute(
            text("""
                INSERT INTO pg_temp.batch_entry (entry, value_on, key, cause_type, cause_id, description)
                SELECT member_account_id, '2026-03-31', 'sql:' || member_account_id, 'run', '1', 'One per cent'
                  FROM ledger.balance WHERE amount_cents <> 0
            """)
        )
        db.session.execute(
            text("""
                INSERT INTO pg_temp.batch_line (entry, line, account, branch_id, member_account_id, amount_cents)
                SELECT member_account_id, 1, '5020', branch_id, NULL, -amount_cents / 100 FROM ledger.balance
                 WHERE amount_cents <> 0
                UNION ALL
                SELECT member_account_id, 2, '2110', branch_id, member_account_id, amount_cents / 100
                  FROM ledger.balance WHERE amount_cents <> 0
            """)
        )
        return post_open_batch(by=TELLER)

    assert in_transaction(work) == BatchResult(entries=3, postings=6, replayed=0)
    assert queries.balances(accounts) == dict.fromkeys(accounts, kes("1,010"))


def test_two_batches_fit_in_one_transaction(book: Book) -> None:
    account = book.savings()

    def work() -> None:
        service.post_batch([interest(book, account, "1", key="a")], by=TELLER)
        service.post_batch([interest(book, account, "2", key="b")], by=TELLER)

    in_transaction(work)

    assert queries.balance(account) == kes("3")


def test_what_belongs_to_closed_months_moves_entry_by_entry(book: Book) -> None:
    account = book.savings()

    post(interest(book, account, "1", key="old", on=date(2025, 12, 31)), interest(book, account, "2", key="new"))

    old, new = (queries.entry(entry_id) for entry_id in queries.entries_of(INTEREST))
    assert (old.value_on, old.relates_to_on) == (date(2026, 3, 1), date(2025, 12, 31))
    assert (new.value_on, new.relates_to_on) == (date(2026, 3, 31), None)


def test_the_close_of_a_day_posts_its_batch_on_that_day(book: Book) -> None:
    account = book.savings()
    book.roll()

    in_transaction(lambda: service.post_batch([interest(book, account, "1")], by=DAY_END, booked_on=date(2026, 3, 31)))

    (entry_id,) = queries.entries_of(INTEREST)
    assert queries.entry(entry_id).booked_on == date(2026, 3, 31)
