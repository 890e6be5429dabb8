"""The ledger as a test speaks of it: an open book with a head office, a second branch and members' accounts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import Money, kes
from app.kernel.transactions import in_transaction
from app.ledger import models as t
from app.ledger import queries, service
from app.ledger.checks import CHECKS
from app.ledger.service import Cause, Line, credit, debit
from app.ledger.values import EntryId, MemberAccountId
from app.ledger.verify import Difference, verify_on
from tests.ledger.journal import Journal, stored

FIRST_DAY = date(2026, 3, 31)

TELLER = Actor("staff", "teller-1", "web")
DAY_END = Actor.system(service.DAY_END)


def differences() -> list[Difference]:
    """What the ledger's own checks find; comparisons of other rooms miss the rows that these tests do without."""
    return [found for found in verify_on(db.session.connection()).differences if found.check in CHECKS]


class Book:
    """Shortcuts around ``ledger.service``; each one is a transaction of its own."""

    def __init__(self, first_day: date = FIRST_DAY) -> None:
        in_transaction(lambda: service.open_books(first_day, by=TELLER))
        self.hq = queries.head_office()
        self._numbers = itertools.count(1)

    @property
    def today(self) -> date:
        return queries.business_date()

    def branch(self, code: str = "NAKURU") -> int:
        """Found a second branch."""
        return in_transaction(lambda: service.add_branch(code, code.title(), by=TELLER))

    def savings(
        self,
        *,
        having: Money | None = None,
        floor: Money | None = kes(0),
        branch: int | None = None,
        controls: Sequence[str] = ("2110",),
        number: str | None = None,
    ) -> MemberAccountId:
        """Open a savings account, with money in it if wanted."""
        name = number or f"SV-{next(self._numbers):06}"
        at = branch or self.hq
        account = in_transaction(lambda: service.open_account("savings", name, at, controls, floor=floor, by=TELLER))
        if having:
            self.deposit(account, having)
        return account

    def loan(self) -> MemberAccountId:
        """Open a loan with principal, interest and penalties."""
        number = f"LN-{next(self._numbers):06}"
        return in_transaction(
            lambda: service.open_account("loan", number, self.hq, ["1410", "1430", "1440"], floor=None, by=TELLER)
        )

    def post(
        self,
        *lines: Line,
        on: date | None = None,
        key: str | None = None,
        description: str = "Test",
        cause: Cause = Cause("test", "1"),  # noqa: B008 - a frozen value
        by: Actor = TELLER,
        relates_to_on: date | None = None,
        booked_on: date | None = None,
        may_move: bool = True,
    ) -> EntryId:
        """Post one entry."""
        name = key or f"test:{next(self._numbers)}"
        when = on or self.today
        return in_transaction(
            lambda: service.post(
                lines,
                on=when,
                cause=cause,
                key=name,
                by=by,
                description=description,
                relates_to_on=relates_to_on,
                booked_on=booked_on,
                may_move=may_move,
            )
        )

    def deposit(self, account: int, amount: Money, *, on: date | None = None, key: str | None = None) -> EntryId:
        """Money over the paybill."""
        branch = queries.branch_of(account)
        return self.post(
            debit("1120", amount, branch=self.hq),
            credit("2110", amount, branch=branch, member_account=account),
            on=on,
            key=key,
            description="Deposit",
        )

    def withdraw(self, account: int, amount: Money, *, key: str | None = None) -> EntryId:
        """Cash over the counter."""
        branch = queries.branch_of(account)
        return self.post(
            debit("2110", amount, branch=branch, member_account=account),
            credit("1020", amount, branch=branch),
            key=key,
            description="Withdrawal",
        )

    def reverse(self, entry_id: EntryId, *, key: str | None = None) -> EntryId:
        """Correct an entry."""
        name = key or f"reverse:{next(self._numbers)}"
        today = self.today
        return in_transaction(
            lambda: service.reverse(entry_id, on=today, key=name, by=TELLER, reason="Posted to the wrong account")
        )

    def roll(self, days: int = 1) -> date:
        """End the business date, and the ones after it."""
        for _ in range(days):
            ending = self.today
            in_transaction(lambda ending=ending: service.roll_day(ending, by=DAY_END))  # type: ignore[misc]
        return self.today

    def seal(self) -> list[bytes]:
        """Seal every day that is over."""
        return [
            in_transaction(lambda on=on: service.seal_day(on, by=DAY_END))  # type: ignore[misc]
            for on in queries.unsealed_days()
        ]

    def entries(self) -> int:
        """How many there are."""
        return len(db.session.execute(select(t.entry.c.id)).all())

    def last_entry(self) -> Journal:
        """The newest entry, to be compared with a ``journal``."""
        newest = db.session.scalars(select(t.entry.c.id).order_by(t.entry.c.id.desc())).first()
        assert newest is not None, "nothing was posted"
        return stored(newest)

    def trial_balance(self, **asked: date | int | None) -> dict[str, str]:
        """The trial balance as code → amount, debit plus, credit minus."""
        lines = queries.trial_balance(**asked)  # type: ignore[arg-type]
        return {line.code: (line.debit - line.credit).plain() for line in lines}
