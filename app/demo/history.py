"""A past for invented accounts: what was brought in from the old books, and a deposit in most months since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from app.demo.members import Account
from app.kernel.actor import Actor
from app.kernel.money import Money, kes
from app.ledger import service as ledger
from app.ledger.values import BatchEntry, Cause
from app.members.states import MemberStatus

BANK = "1110"  # the past came through the bank, so that no till and no paybill holds money that nobody counted
MIGRATION = "3490"  # brought-in balances stand against it
CHECK_OFF_DAY = 5  # employers pay in what they deducted early in the following month

SMALL_SOCIETY = 2_000  # up to so many members everybody has a long past
LONG_MONTHS, SHORT_MONTHS = 9, 2

# What is usual in each product: brought in, and each month, in shillings.
USUAL = {
    "DEPOSITS": ((4_000, 160_000), (500, 5_000)),
    "ORDINARY": ((300, 20_000), (100, 4_000)),
    "GOAL": ((500, 15_000), (200, 2_000)),
}


def months_for(count: int) -> int:
    """How many months of the past a society of this size is given."""
    return LONG_MONTHS if count <= SMALL_SOCIETY else SHORT_MONTHS


def open_months(today: date, count: int, *, by: Actor) -> list[date]:
    """Let the ledger take entries for the last ``count`` months before this one; returns them, oldest first."""
    months = [today.replace(day=1)]
    for _ in range(count):
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    for month in months[1:]:
        ledger.open_period(month, by=by)
    return months[:0:-1]


def deposits(accounts: Sequence[Account], months: Sequence[date], *, seed: int) -> Iterator[BatchEntry]:
    """The entries of the past, one account after the other."""
    chance = Random(seed + 1)  # noqa: S311 - amounts of invented deposits, no secret
    for account in accounts:
        brought_in, monthly = USUAL[account.product]
        amount = kes(chance.randrange(*brought_in, 50))
        yield _entry(account, MIGRATION, amount, months[0], "Balance brought in from the old books")
        if account.member.person.status is not MemberStatus.ACTIVE:
            continue
        usual = kes(chance.randrange(*monthly, 50))
        for month in months:
            if chance.random() < 0.85:
                yield _entry(account, BANK, usual, month.replace(day=CHECK_OFF_DAY), f"Check-off, {month:%B %Y}")


def _entry(account: Account, source: str, amount: Money, on: date, description: str) -> BatchEntry:
    branch = account.member.branch_id
    return BatchEntry(
        key=f"demo:{account.number}:{description}",
        on=on,
        cause=Cause("demo", account.number),
        description=description,
        lines=(
            ledger.debit(source, amount, branch=branch),
            ledger.credit(account.control_account, amount, branch=branch, member_account=account.id),
        ),
    )
