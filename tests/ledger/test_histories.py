"""Properties of the ledger over generated histories: whatever happens, the books are whole."""

from __future__ import annotations

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection

from app.kernel.database import db
from app.kernel.money import ZERO, Money, total
from app.kernel.transactions import in_transaction
from app.ledger import queries, service
from app.ledger.errors import AlreadyReversed, BelowFloor
from app.ledger.service import BatchEntry, Cause, credit, debit
from tests.harness.clock import SettableClock
from tests.ledger.book import FIRST_DAY, TELLER, Book, differences

AMOUNTS = st.integers(min_value=1, max_value=100_000).map(Money)
DAYS_BACK = st.integers(min_value=0, max_value=70)


class Society(RuleBasedStateMachine):
    """Members pay in and out, clerks make and correct mistakes, days end. Beside it runs a ledger of plain numbers."""

    accounts = Bundle("accounts")
    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        db.session.rollback()  # the session is within no savepoint of its own when the history's begins
        connection = db.engine
        assert isinstance(connection, Connection), "rolled-back tests share one connection"
        self.savepoint = connection.begin_nested()
        self.book = Book()
        self.branches = [self.book.hq, self.book.branch("NAKURU")]
        self.expected: dict[int, Money] = {}
        self.held: dict[int, Money] = {}
        self.effects: dict[int, dict[int, Money]] = {}
        self.reversed: set[int] = set()
        self.left: set[int] = set()  # entries of a branch that one of their accounts has left: corrected by hand
        self.runs = 0

    def teardown(self) -> None:
        """Leave the next history an empty book."""
        db.session.rollback()
        self.savepoint.rollback()

    @initialize(target=accounts)
    def first_members(self):  # type: ignore[no-untyped-def]
        """Somebody must be there."""
        return multiple(*(self._open(branch) for branch in self.branches))

    @rule(target=accounts, at=st.integers(min_value=0, max_value=1))
    def join(self, at: int) -> int:
        """A member opens an account at one of the branches."""
        return self._open(self.branches[at])

    @rule(target=entries, account=accounts, amount=AMOUNTS, back=DAYS_BACK)
    def pay_in(self, account: int, amount: Money, back: int) -> int:
        """Money comes, perhaps for a day long past."""
        entry = self.book.deposit(account, amount, on=self.book.today - timedelta(days=back))
        return self._note(entry, {account: amount})

    @rule(target=entries, account=accounts, amount=AMOUNTS)
    def pay_out(self, account: int, amount: Money):  # type: ignore[no-untyped-def]
        """Money goes, if it is there and free."""
        if amount > self.expected[account] - self.held[account]:
            with pytest.raises(BelowFloor):
                self.book.withdraw(account, amount)
            return multiple()
        return self._note(self.book.withdraw(account, amount), {account: -amount})

    @rule(target=entries, source=accounts, to=accounts, amount=AMOUNTS)
    def transfer(self, source: int, to: int, amount: Money):  # type: ignore[no-untyped-def]
        """From one member to another, across branches as well."""
        lines = [
            debit("2110", amount, branch=queries.branch_of(source), member_account=source),
            credit("2110", amount, branch=queries.branch_of(to), member_account=to),
        ]
        if source != to and amount > self.expected[source] - self.held[source]:
            with pytest.raises(BelowFloor):
                self.book.post(*lines)
            return multiple()
        effect = {source: ZERO} if source == to else {source: -amount, to: amount}
        return self._note(self.book.post(*lines), effect)

    @rule(entry=entries, again=st.booleans())
    def reverse(self, entry: int, again: bool) -> None:
        """A mistake is corrected; a second correction, or one of money that is gone, is refused."""
        if entry in self.left:
            return
        key = f"reverse:{entry}:{again}"
        after = {account: self.expected[account] - amount for account, amount in self.effects[entry].items()}
        if entry in self.reversed:
            with pytest.raises(AlreadyReversed):
                self.book.reverse(service.EntryId(entry), key=f"{key}:other")
        elif any(amount < self.held[account] for account, amount in after.items()):
            with pytest.raises(BelowFloor):
                self.book.reverse(service.EntryId(entry), key=key)
        else:
            first = self.book.reverse(service.EntryId(entry), key=key)
            assert self.book.reverse(service.EntryId(entry), key=key) == first
            self.reversed.add(entry)
            self.expected |= after

    @rule(account=accounts, amount=AMOUNTS, source=st.integers(min_value=0, max_value=1_000_000))
    def hold(self, account: int, amount: Money, source: int) -> None:
        """Money is set aside and sometimes let go again."""
        name = f"{account}:{source}:{amount.cents}"
        free = self.expected[account] - self.held[account]

        def place() -> int:
            return service.place_hold(account, "2110", kind="test", source=name, amount=amount, by=TELLER)

        if amount > free:
            with pytest.raises(BelowFloor):
                in_transaction(place)
            return
        in_transaction(place)
        if source % 2:
            in_transaction(lambda: service.release_hold(kind="test", source=name, by=TELLER))
        else:
            self.held[account] = self.held[account] + amount

    @rule(amount=AMOUNTS)
    def interest_run(self, amount: Money) -> None:
        """Every member gets interest in one batch; running it again changes nothing."""
        self.runs += 1
        run = str(self.runs)
        entries = [
            BatchEntry(
                f"interest:{run}:{account}",
                self.book.today,
                Cause("interest_run", run),
                "Interest",
                (
                    debit("5020", amount, branch=self.book.hq),
                    credit("2110", amount, branch=queries.branch_of(account), member_account=account),
                ),
            )
            for account in self.expected
        ]
        first = in_transaction(lambda: service.post_batch(entries, by=TELLER))
        again = in_transaction(lambda: service.post_batch(entries, by=TELLER))
        assert (first.entries, again.entries, again.replayed) == (len(entries), 0, len(entries))
        self.expected = {account: balance + amount for account, balance in self.expected.items()}

    @rule(account=accounts)
    def move(self, account: int) -> None:
        """A member goes to live in the other town."""
        here = queries.branch_of(account)
        (there,) = (branch for branch in self.branches if branch != here)
        moves = len(queries.entries_of(Cause("move", str(account))))
        in_transaction(
            lambda: service.move_account(
                account,
                to_branch=there,
                cause=Cause("move", str(account)),
                key=f"move:{account}:{moves}:{there}",
                by=TELLER,
            )
        )
        self.left |= {entry for entry, effect in self.effects.items() if account in effect}

    @rule(days=st.integers(min_value=1, max_value=3), close=st.booleans())
    def end_days(self, days: int, close: bool) -> None:
        """Days end and are sealed; sometimes the month before is closed as well."""
        self.book.roll(days)
        self.book.seal()
        last_month = (self.book.today.replace(day=1) - timedelta(days=1)).replace(day=1)
        if close and last_month >= FIRST_DAY.replace(day=1):
            in_transaction(lambda: service.close_period(last_month, by=TELLER))

    @invariant()
    def the_books_are_whole(self) -> None:
        """Balances are what plain numbers say, and the trial balance is zero in every branch."""
        assert queries.balances(self.expected) == self.expected
        for branch in (None, *self.branches):
            lines = queries.trial_balance(branch_id=branch)
            assert total(line.debit for line in lines) == total(line.credit for line in lines)
        assert differences() == []

    def _open(self, branch: int) -> int:
        account = self.book.savings(branch=branch)
        self.expected[account] = self.held[account] = ZERO
        return account

    def _note(self, entry: int, effect: dict[int, Money]) -> int:
        self.effects[entry] = effect
        for account, amount in effect.items():
            self.expected[account] = self.expected[account] + amount
        return entry


def test_whatever_happens_the_books_are_whole(app: Flask, clock: SettableClock) -> None:
    clock.set(f"{date(2026, 12, 31)}T12:00+03:00")

    run_state_machine_as_test(
        Society,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a shorter history is not worth minutes of search
            suppress_health_check=list(HealthCheck),
        ),
    )
