"""Many at once, on a database that really commits: balances, floors, keys, reversals, rolls and seals."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask

from app.kernel.errors import Refusal
from app.kernel.money import ZERO, kes, total
from app.kernel.transactions import Busy, in_transaction
from app.ledger import queries, service
from app.ledger.errors import AccountClosed, AccountNotEmpty, AlreadyReversed, BelowFloor, DayOver
from app.ledger.service import BatchEntry, Cause, credit, debit
from config import Settings
from tests.harness.apps import dispose, make_app
from tests.harness.clock import SettableClock
from tests.ledger.book import DAY_END, FIRST_DAY, TELLER, Book, differences


@pytest.fixture
def shared(committed_app: Flask, clock: SettableClock) -> Iterator[Flask]:
    """An application whose saved work everybody sees."""
    clock.set("2026-03-31T12:00+03:00")
    yield committed_app


def at_once(app: Flask, works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each work in a thread and context of its own, all starting together; refusals come back as results."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            barrier.wait()
            try:
                return work()
            except (Refusal, Busy) as refused:
                return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_deposits_to_one_account_all_count(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings()

    results = at_once(
        shared, [lambda n=n: [book.deposit(account, kes("10"), key=f"d:{n}:{k}") for k in range(10)] for n in range(8)]
    )

    assert len({entry for entries in results for entry in entries}) == 80
    with shared.app_context():
        assert queries.balance(account) == kes("800")
        assert differences() == []


def test_racing_withdrawals_never_pass_the_floor(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings(having=kes("1,000"))

    results = at_once(shared, [lambda n=n: book.withdraw(account, kes("100"), key=f"w:{n}") for n in range(16)])

    refused = [result for result in results if isinstance(result, BelowFloor)]
    assert (len(results) - len(refused), len(refused)) == (10, 6)
    with shared.app_context():
        assert queries.balance(account) == ZERO


def test_one_key_twenty_times_at_once_is_one_entry(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings()

    results = at_once(shared, [lambda: book.deposit(account, kes("700"), key="payment:1:1")] * 20)

    assert len(set(results)) == 1
    with shared.app_context():
        assert queries.balance(account) == kes("700")


def test_a_repeated_withdrawal_of_everything_is_not_refused_for_want_of_money(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings(having=kes("700"))

    results = at_once(shared, [lambda: book.withdraw(account, kes("700"), key="payout:1")] * 10)

    assert len(set(results)) == 1
    assert isinstance(results[0], int)


def test_one_key_at_once_on_plain_accounts_is_one_entry(shared: Flask) -> None:
    with shared.app_context():
        book = Book()

    def sweep_to_bank() -> int:
        return book.post(
            debit("1110", kes("5"), branch=book.hq), credit("1120", kes("5"), branch=book.hq), key="sweep:1"
        )

    assert len(set(at_once(shared, [sweep_to_bank] * 12))) == 1


def test_transfers_in_both_directions_do_not_deadlock_for_good(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        accounts = [book.savings(having=kes("1,000")) for _ in range(4)]

    def move(seed: int) -> int:
        random = Random(seed)
        for n in range(12):
            source, target = random.sample(accounts, 2)
            book.post(
                credit("2110", kes("7"), branch=book.hq, member_account=target),
                debit("2110", kes("7"), branch=book.hq, member_account=source),
                key=f"t:{seed}:{n}",
            )
        return seed

    results = at_once(shared, [lambda n=n: move(n) for n in range(8)])

    assert results == list(range(8))  # balances are locked in one order: nobody even had to try again
    with shared.app_context():
        assert total(queries.balances(accounts).values()) == kes("4,000")
        assert differences() == []


def test_several_entries_in_one_transaction_are_tried_again_after_a_deadlock(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        first, second = book.savings(), book.savings()

    def both(key: str, order: Sequence[int]) -> None:
        def work() -> None:
            for n, account in enumerate(order):
                service.post(
                    [
                        debit("1120", kes("1"), branch=book.hq),
                        credit("2110", kes("1"), branch=book.hq, member_account=account),
                    ],
                    on=FIRST_DAY,
                    cause=Cause("test", key),
                    key=f"{key}:{n}",
                    by=TELLER,
                    description="Two in one",
                )

        in_transaction(work)

    for turn in range(5):
        results = at_once(
            shared,
            [
                lambda turn=turn: both(f"up:{turn}", [first, second]),
                lambda turn=turn: both(f"down:{turn}", [second, first]),
            ],
        )
        assert results == [None, None]

    with shared.app_context():
        assert queries.balances([first, second]) == {first: kes("10"), second: kes("10")}


def test_an_entry_is_reversed_once_however_many_try(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        plain = book.post(debit("1110", kes("5"), branch=book.hq), credit("1120", kes("5"), branch=book.hq))
        member = book.deposit(book.savings(having=kes("100")), kes("5"))

    for entry in (plain, member):
        results = at_once(
            shared, [lambda n=n, entry=entry: book.reverse(entry, key=f"r:{entry}:{n}") for n in range(8)]
        )
        assert sum(isinstance(result, AlreadyReversed) for result in results) == 7


def test_free_money_is_pledged_once(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings(having=kes("1,000"))

    def pledge(n: int) -> int:
        return in_transaction(
            lambda: service.place_hold(
                account, "2110", kind="guarantee", source=f"loan:{n}", amount=kes("600"), by=TELLER
            )
        )

    results = at_once(shared, [lambda n=n: pledge(n) for n in range(6)])

    assert sum(isinstance(result, BelowFloor) for result in results) == 5
    with shared.app_context():
        assert queries.standing(account).held == kes("600")
        assert differences() == []


def test_an_account_never_closes_over_money(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        accounts = [book.savings() for _ in range(6)]

    def close(account: int) -> None:
        in_transaction(lambda: service.close_account(account, by=TELLER))

    for account in accounts:
        put, closed = at_once(
            shared,
            [
                lambda account=account: book.deposit(account, kes("5"), key=f"last:{account}"),
                lambda account=account: close(account),
            ],
        )
        assert isinstance(put, AccountClosed) != isinstance(closed, AccountNotEmpty)

    with shared.app_context():
        assert differences() == []


def test_one_batch_handed_in_by_many_is_posted_once(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        accounts = [book.savings() for _ in range(30)]

    def post() -> service.BatchResult:
        entries = [
            BatchEntry(
                f"interest:{account}",
                FIRST_DAY,
                Cause("run", "1"),
                "Interest",
                (
                    debit("5020", kes("3"), branch=book.hq),
                    credit("2110", kes("3"), branch=book.hq, member_account=account),
                ),
            )
            for account in accounts
        ]
        return in_transaction(lambda: service.post_batch(entries, by=TELLER))

    results = at_once(shared, [post] * 5)

    assert sorted(result.entries for result in results) == [0, 0, 0, 0, 30]
    with shared.app_context():
        assert set(queries.balances(accounts).values()) == {kes("3")}
        assert differences() == []


def test_rolls_and_seals_while_everybody_posts(shared: Flask) -> None:
    """Nothing is booked on a day after its end, and nothing slips in after a seal."""
    with shared.app_context():
        book = Book()
        accounts = [book.savings() for _ in range(4)]
    stop = threading.Event()

    def post(worker: int) -> int:
        for n in itertools.count():
            if stop.is_set():
                return n
            book.deposit(accounts[worker], kes("1"), on=FIRST_DAY, key=f"p:{worker}:{n}")
        return 0

    def keep_time() -> None:
        try:
            for _ in range(6):
                stop.wait(0.15)
                book.roll()
                book.seal()
        finally:
            stop.set()

    *counts, _ = at_once(shared, [*(lambda n=n: post(n) for n in range(4)), keep_time])

    with shared.app_context():
        assert book.today == FIRST_DAY + timedelta(days=6)
        assert [balance.cents for balance in queries.balances(accounts).values()] == [count * 100 for count in counts]
        assert differences() == []


def test_the_seal_waits_for_the_close_that_is_posting_and_lets_no_more_in(shared: Flask) -> None:
    with shared.app_context():
        book = Book()
        account = book.savings()
        book.roll()

    def accrue(n: int) -> int:
        return book.post(
            debit("5020", kes("1"), branch=book.hq),
            credit("2110", kes("1"), branch=book.hq, member_account=account),
            on=FIRST_DAY,
            booked_on=FIRST_DAY,
            key=f"accrual:{n}",
            by=DAY_END,
        )

    results = at_once(shared, [*(lambda n=n: accrue(n) for n in range(8)), lambda: book.seal()])

    booked = [result for result in results[:8] if not isinstance(result, DayOver)]
    with shared.app_context():
        assert queries.seal_of(FIRST_DAY).entry_count == len(booked)
        assert differences() == []


def _process(settings: Settings, seed: int, accounts: Sequence[int], results: Any) -> None:
    """One process among several: deposits, transfers and withdrawals, some of them refused."""
    clock = SettableClock()
    clock.set("2026-03-31T12:00+03:00")
    app = make_app(settings, clock)
    random = Random(seed)
    refused = 0
    with app.app_context():
        book = Book()
        for n in range(40):
            source, target = random.sample(accounts, 2)
            amount = kes(random.randint(1, 400))
            try:
                book.post(
                    debit("2110", amount, branch=book.hq, member_account=source),
                    credit("2110", amount, branch=book.hq, member_account=target),
                    key=f"process:{seed}:{n}",
                    on=date(2026, 3, 31),
                )
            except BelowFloor:
                refused += 1
    dispose(app)
    results.put(refused)


def test_processes_that_know_nothing_of_each_other_keep_the_books_whole(
    shared: Flask,
) -> None:
    with shared.app_context():
        book = Book()
        accounts = [book.savings(having=kes("500")) for _ in range(5)]
    spawning = multiprocessing.get_context("spawn")
    results = spawning.Queue()
    settings = shared.extensions["settings"]

    processes = [spawning.Process(target=_process, args=(settings, seed, accounts, results)) for seed in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    refused = sum(results.get(timeout=5) for _ in processes)
    with shared.app_context():
        assert [process.exitcode for process in processes] == [0, 0]
        assert total(queries.balances(accounts).values()) == kes("2,500")
        assert book.entries() == 5 + 2 * 40 - refused
        assert differences() == []
