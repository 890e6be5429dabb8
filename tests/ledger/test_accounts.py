"""Member accounts: opened, held, limited, moved and closed; and the chart."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger import models as t
from app.ledger import queries, service
from app.ledger.errors import (
    AccountClosed,
    AccountMissing,
    AccountMoved,
    AccountNotEmpty,
    BelowFloor,
    BranchClosed,
    HoldDiffers,
    HoldMissing,
    LedgerAccountMissing,
    NumberTaken,
    WrongEntry,
)
from app.ledger.service import Cause, credit, debit
from app.ledger.values import AccountKind
from tests.ledger.book import TELLER, Book
from tests.ledger.journal import journal, stored


def test_the_chart_is_that_of_a_sacco(book: Book) -> None:
    chart = {account.code: account for account in queries.ledger_accounts()}

    assert len(chart) == 148
    assert chart["1120"].name == "M-PESA paybill" and not chart["1120"].is_control
    assert chart["2210"].name == "Unidentified M-PESA receipts" and not chart["2210"].is_control
    assert [
        code for code in ("2010", "2110", "2190", "3010", "1410", "1430", "1440") if not chart[code].is_control
    ] == []
    assert chart["1490"].natural_side == -1 and chart["1490"].type == "asset"  # an allowance is a contra account
    assert {account.code for account in queries.ledger_accounts(control=True)} < chart.keys()


def test_an_account_is_opened_empty_on_each_of_its_ledger_accounts(book: Book) -> None:
    account = book.savings(controls=["2110", "2190"], number="SV-000001")

    found = queries.member_account(account)

    assert (found.number, found.kind, found.ledger_account) == ("SV-000001", AccountKind.SAVINGS, "2110")
    assert found.opened_on == book.today and found.closed_on is None
    assert queries.standing(account).floor == kes("0")
    assert queries.standing(account, "2190").floor is None
    assert queries.member_account_by_number("SV-000001") == found


def test_many_accounts_are_opened_at_once_in_order(book: Book) -> None:
    wanted = [(f"SV-{n:06}", book.hq) for n in range(500, 0, -1)]

    ids = in_transaction(lambda: service.open_accounts("savings", wanted, ["2110"], floor=kes("0"), by=TELLER))

    numbers = db.session.scalars(select(t.member_account.c.number).order_by(t.member_account.c.id))
    assert [number for number, _ in wanted] == list(numbers)
    assert queries.balances(ids) == dict.fromkeys(ids, kes("0"))


def test_a_number_belongs_to_one_account(book: Book) -> None:
    book.savings(number="SV-000001")

    with pytest.raises(NumberTaken, match="SV-000001"):
        book.savings(number="SV-000001")


@pytest.mark.parametrize("controls", [["1120"], ["9999"], []])
def test_accounts_are_kept_on_control_accounts_only(book: Book, controls: list[str]) -> None:
    with pytest.raises(WrongEntry):
        book.savings(controls=controls)


def test_what_is_held_is_not_free(book: Book) -> None:
    account = book.savings(having=kes("1,000"))

    in_transaction(
        lambda: service.place_hold(account, "2110", kind="guarantee", source="loan:7", amount=kes("600"), by=TELLER)
    )

    assert queries.balance(account) == kes("1,000")
    assert queries.available(account) == kes("400")
    with pytest.raises(BelowFloor, match=r"only KES 400\.00 free"):
        book.withdraw(account, kes("401"))


def test_a_source_holds_once(book: Book) -> None:
    account = book.savings(having=kes("1,000"))

    def hold(amount: str) -> int:
        return in_transaction(
            lambda: service.place_hold(account, "2110", kind="payout", source="p:1", amount=kes(amount), by=TELLER)
        )

    assert hold("600") == hold("600")
    with pytest.raises(HoldDiffers):
        hold("500")

    assert queries.standing(account).held == kes("600")


def test_nothing_is_held_that_is_not_there(book: Book) -> None:
    account = book.savings(having=kes("100"))
    no_floor = book.savings(floor=None, having=kes("100"))

    with pytest.raises(BelowFloor):
        in_transaction(
            lambda: service.place_hold(account, "2110", kind="payout", source="p:1", amount=kes("101"), by=TELLER)
        )
    with pytest.raises(WrongEntry, match="floor"):
        in_transaction(
            lambda: service.place_hold(no_floor, "2110", kind="payout", source="p:2", amount=kes("1"), by=TELLER)
        )


def test_a_released_hold_is_free_again_once(book: Book) -> None:
    account = book.savings(having=kes("1,000"))
    in_transaction(
        lambda: service.place_hold(account, "2110", kind="payout", source="p:1", amount=kes("600"), by=TELLER)
    )

    first = in_transaction(lambda: service.release_hold(kind="payout", source="p:1", by=TELLER))
    second = in_transaction(lambda: service.release_hold(kind="payout", source="p:1", by=TELLER))

    assert (first, second) == (True, False)
    assert queries.available(account) == kes("1,000")
    with pytest.raises(HoldMissing):
        in_transaction(lambda: service.release_hold(kind="payout", source="p:2", by=TELLER))


def test_a_floor_is_not_set_above_what_is_free(book: Book) -> None:
    account = book.savings(having=kes("300"))

    with pytest.raises(BelowFloor):
        in_transaction(lambda: service.set_floor(account, "2110", kes("301"), by=TELLER))
    in_transaction(lambda: service.set_floor(account, "2110", kes("300"), by=TELLER))

    assert queries.available(account) == kes("0")
    noted = db.session.execute(select(t.act.c.facts).where(t.act.c.act == "set_floor")).scalar_one()
    assert noted == {"code": "2110", "from_cents": 0, "to_cents": 30_000}


def test_an_overdraft_is_a_floor_below_zero(book: Book) -> None:
    account = book.savings(floor=kes("-200"))

    book.withdraw(account, kes("200"))

    assert queries.balance(account) == kes("-200")
    with pytest.raises(BelowFloor):
        book.withdraw(account, kes("1"))


def test_an_account_may_be_kept_on_one_more_ledger_account(book: Book) -> None:
    account = book.savings()

    for _ in range(2):
        in_transaction(lambda: service.add_balance(account, "2190", floor=None, by=TELLER))

    book.post(debit("5020", kes("3"), branch=book.hq), credit("2190", kes("3"), branch=book.hq, member_account=account))
    assert queries.balance(account, "2190") == kes("3")
    assert queries.balance(account) == kes("0")
    with pytest.raises(WrongEntry):
        in_transaction(lambda: service.add_balance(account, "1120", floor=None, by=TELLER))


def test_only_an_empty_account_is_closed(book: Book) -> None:
    account = book.savings(having=kes("5"), number="SV-000001")

    with pytest.raises(AccountNotEmpty, match=r"SV-000001 is not empty: KES 5\.00 on 2110"):
        in_transaction(lambda: service.close_account(account, by=TELLER))
    book.withdraw(account, kes("5"))
    in_transaction(lambda: service.close_account(account, by=TELLER))

    assert queries.member_account(account).closed_on == book.today
    with pytest.raises(AccountClosed):
        in_transaction(lambda: service.close_account(account, by=TELLER))
    with pytest.raises(AccountClosed):
        in_transaction(lambda: service.set_floor(account, "2110", None, by=TELLER))


def test_a_member_who_moves_takes_money_floor_and_holds_along(book: Book) -> None:
    nakuru = book.branch()
    account = book.savings(having=kes("1,000"), number="SV-000001")
    in_transaction(
        lambda: service.place_hold(account, "2110", kind="guarantee", source="l", amount=kes("300"), by=TELLER)
    )

    moved = in_transaction(
        lambda: service.move_account(account, to_branch=nakuru, cause=Cause("member", "1"), key="move:1", by=TELLER)
    )

    assert moved is not None
    assert stored(moved) == journal("""
        2026-03-31 Account moved to another branch
          2110 FOSA ordinary savings SV-000001           1,000.00
          1990 Inter-branch                             -1,000.00
          1990 Inter-branch @NAKURU                      1,000.00
          2110 FOSA ordinary savings SV-000001 @NAKURU  -1,000.00
    """)
    standing = queries.standing(account)
    assert (standing.amount, standing.held, standing.floor) == (kes("1,000"), kes("300"), kes("0"))
    assert queries.branch_of(account) == nakuru
    with pytest.raises(BelowFloor):
        book.withdraw(account, kes("701"))
    assert in_transaction(lambda: service.release_hold(kind="guarantee", source="l", by=TELLER))
    book.withdraw(account, kes("1,000"))


def test_a_member_moves_back_and_an_empty_account_moves_without_an_entry(book: Book) -> None:
    nakuru = book.branch()
    account = book.savings()

    def move(to: int, key: str) -> int | None:
        return in_transaction(
            lambda: service.move_account(account, to_branch=to, cause=Cause("member", "1"), key=key, by=TELLER)
        )

    assert move(nakuru, "move:1") is None
    assert move(nakuru, "move:2") is None  # there already
    book.deposit(account, kes("20"))
    assert move(book.hq, "move:3") is not None
    assert queries.balance(account) == kes("20")
    with pytest.raises(BranchClosed):
        move(77, "move:4")


def test_an_entry_of_the_old_branch_is_corrected_by_a_new_entry(book: Book) -> None:
    nakuru = book.branch()
    account = book.savings()
    entry = book.deposit(account, kes("20"))
    in_transaction(
        lambda: service.move_account(account, to_branch=nakuru, cause=Cause("member", "1"), key="move:1", by=TELLER)
    )

    with pytest.raises(AccountMoved, match="No money moved"):
        book.reverse(entry)


def test_unknown_accounts_are_refused(book: Book) -> None:
    with pytest.raises(AccountMissing):
        queries.balance(99_999)
    with pytest.raises(AccountMissing):
        queries.member_account(99_999)
    with pytest.raises(AccountMissing):
        queries.branch_of(99_999)
    with pytest.raises(AccountMissing):
        in_transaction(lambda: service.close_account(99_999, by=TELLER))
    with pytest.raises(LedgerAccountMissing):
        queries.ledger_account("8888")


def test_the_chart_grows_and_its_codes_are_unique(book: Book) -> None:
    in_transaction(
        lambda: service.add_ledger_account("1110.1", "Bank: Co-op current", "asset", is_control=False, by=TELLER)
    )
    in_transaction(
        lambda: service.add_ledger_account(
            "1495", "Allowance: group loans", "asset", is_control=False, is_contra=True, form_line="F6 4.2", by=TELLER
        )
    )

    assert queries.ledger_account("1110.1").natural_side == 1
    assert queries.ledger_account("1495").natural_side == -1
    with pytest.raises(NumberTaken, match=r"1110\.1"):
        in_transaction(lambda: service.add_ledger_account("1110.1", "Again", "asset", is_control=False, by=TELLER))
    with pytest.raises(NumberTaken):
        in_transaction(lambda: service.add_branch("HQ", "Another", by=TELLER))
    with pytest.raises(LedgerAccountMissing):
        in_transaction(lambda: service.retire_ledger_account("1990", by=TELLER))  # the ledger itself needs it


def test_a_statement_shows_each_movement_with_the_balance_after_it(book: Book) -> None:
    account = book.savings()
    for amount in ("100", "200", "300"):
        book.deposit(account, kes(amount))
    book.withdraw(account, kes("50"))

    first = queries.statement(account, size=3)
    second = queries.statement(account, size=3, after=first.next)

    assert [(line.amount.plain(), line.balance.plain()) for line in [*first.items, *second.items]] == [
        ("-50.00", "550.00"),
        ("300.00", "600.00"),
        ("200.00", "300.00"),
        ("100.00", "100.00"),
    ]
    assert second.next is None


def test_a_balance_of_the_chart_is_totals_of_sealed_days_and_the_tail(book: Book) -> None:
    account = book.savings()
    book.deposit(account, kes("100"))
    book.roll()
    book.seal()
    book.deposit(account, kes("30"), on=date(2026, 3, 31))
    book.deposit(account, kes("7"))

    assert queries.ledger_balance("1120") == kes("137")
    assert queries.ledger_balance("2110", branch_id=book.hq) == kes("137")
    assert book.trial_balance() == {"1120": "137.00", "2110": "-137.00"}
    assert book.trial_balance(on=date(2026, 3, 31)) == {"1120": "130.00", "2110": "-130.00"}
    assert book.trial_balance(on=date(2026, 3, 30)) == {}
