"""What accounts had at the end of each of the last months, for a picture or a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import and_, func, select

from app.kernel.database import db
from app.kernel.money import Money
from app.ledger import models as t
from app.ledger import queries


def month_ends(accounts: Sequence[int], *, until: date, months: int) -> list[tuple[date, Money]]:
    """The sum of these accounts at the end of each month up to the one of ``until``, oldest first, by value date.

    Worked out backwards from the kept balances, so only the movements of these months are read. The day given is the
    month's first.
    """
    left = sum((kept.amount for kept in queries.standings(accounts).values()), Money(0))
    moved = _movements(accounts, since=_months_before(until, months - 1))
    ends = []
    for back in range(months):
        month = _months_before(until, back)
        ends.append((month, left))
        left -= moved.get(month, Money(0))
    return ends[::-1]


def _movements(accounts: Sequence[int], *, since: date) -> dict[date, Money]:
    month = func.date_trunc("month", t.posting.c.value_on)
    of_the_money_itself = and_(
        t.member_account.c.id == t.posting.c.member_account_id,
        t.member_account.c.ledger_account_id == t.posting.c.ledger_account_id,
    )
    rows = db.session.execute(
        select(month, func.sum(t.posting.c.amount_cents * t.ledger_account.c.natural_side))
        .join(t.member_account, of_the_money_itself)
        .join(t.ledger_account, t.ledger_account.c.id == t.posting.c.ledger_account_id)
        .where(t.posting.c.member_account_id.in_(accounts), t.posting.c.value_on >= since)
        .group_by(month)
    )
    return {began.date(): Money(int(cents)) for began, cents in rows}


def _months_before(day: date, months: int) -> date:
    """The first of the month that many months before."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
