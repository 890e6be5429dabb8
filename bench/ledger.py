"""The ledger: batches against the bare COPY, single entries, and reading at the size of a large society."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from time import perf_counter
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import text

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import Money
from app.kernel.transactions import in_transaction
from app.ledger import queries, service
from app.ledger.checks import CHECKS
from app.ledger.service import BatchEntry, Cause, credit, debit
from app.ledger.verify import verify
from bench.frame import application, figure, median_ms, say, seconds
from launcher.postgres import OWNER
from tests.harness.servers import Servers

BY = Actor.system("bench")
DAY_END = Actor.system(service.DAY_END)
MEMBERS = 100_000
BATCHES = (1_000, 10_000, 100_000, 1_000_000)  # lines
HISTORY_DAYS = 6
HISTORY_LINES_PER_DAY = 20_000
FIRST_DAY = date(2026, 1, 1)


def run(servers: Servers) -> None:
    """All of it, on one database that grows."""
    with application(servers) as app:
        accounts = _society()
        _single_entries(app, accounts)
        _batches(servers, accounts)
        _history(accounts)
        _reading(accounts)


def _society() -> list[int]:
    in_transaction(lambda: service.open_books(FIRST_DAY, by=BY))
    hq = queries.head_office()
    say(f"opening {MEMBERS:,} member accounts")
    wanted = [(f"SV-{n:06}", hq) for n in range(MEMBERS)]
    accounts: list[int] = []
    spent = 0.0
    for start in range(0, MEMBERS, 10_000):
        part = wanted[start : start + 10_000]
        took, ids = seconds(
            lambda part=part: in_transaction(  # type: ignore[misc]
                lambda: service.open_accounts("savings", part, ["2110"], floor=Money(0), by=BY)
            )
        )
        spent += took
        accounts += ids
    figure("ledger.open_accounts", spent, "s", n=MEMBERS)
    return accounts


def _deposit(account: int, key: str, on: date = FIRST_DAY) -> int:
    hq = 1
    return service.post(
        [debit("1120", Money(10_000), branch=hq), credit("2110", Money(10_000), branch=hq, member_account=account)],
        on=on,
        cause=Cause("bench", "1"),
        key=key,
        by=BY,
        description="Deposit",
    )


def _single_entries(app: Flask, accounts: Sequence[int]) -> None:
    """Entries one by one, committed one by one: alone, four at a time, and four at a time on one account."""
    times = []
    for n in range(500):
        started = perf_counter()
        in_transaction(partial(_deposit, accounts[n], f"single:{n}"))
        times.append(perf_counter() - started)
    times.sort()
    figure("ledger.post_entry", times[250] * 1000, "ms", n=500, detail=f"median; p95 {times[475] * 1000:.2f} ms")

    def work(kind: str, worker: int, targets: Sequence[int]) -> None:
        with app.app_context():
            for n, account in enumerate(targets):
                in_transaction(partial(_deposit, account, f"{kind}:{worker}:{n}"))

    for kind, targets in (("spread", accounts[1000:1250]), ("contended", [accounts[0]] * 250)):
        started = perf_counter()
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(work, kind, worker, targets) for worker in range(4)]:
                done.result()
        figure(f"ledger.post_entry.{kind}", 1000 / (perf_counter() - started), "entries/s", n=1000, detail="4 threads")


def _entries(count: int, accounts: Sequence[int], run_id: str, on: date, lines: int = 2) -> Iterator[BatchEntry]:
    """Entries of so many lines: interest for members, all but one line of each for a member."""
    cause = Cause("interest_run", run_id)
    at = 0
    for n in range(count // lines):
        chosen = [accounts[(at + k) % len(accounts)] for k in range(lines - 1)]
        at += lines - 1
        yield BatchEntry(
            key=f"{run_id}:{n}",
            on=on,
            cause=cause,
            description="Interest on savings",
            lines=(
                debit("5020", Money(1_250 * (lines - 1)), branch=1),
                *(credit("2110", Money(1_250), branch=1, member_account=account) for account in chosen),
            ),
        )


def _batches(servers: Servers, accounts: Sequence[int]) -> None:
    """What a batch costs beside the bare COPY of the same rows, with and without the indexes of the ledger."""
    database = db.engine.url.database
    assert database is not None
    with psycopg.connect(servers.postgres.url(OWNER, database)) as owner:
        for lines_each in (2, 100):
            for count in BATCHES:
                _batch(owner, accounts, count, lines_each)


def _batch(owner: psycopg.Connection[Any], accounts: Sequence[int], count: int, lines_each: int) -> None:
    """The best of several runs of each, in turns: the machine has other things to do as well."""
    bare, indexed, ours = [], [], []
    for turn in range(max(1, min(5, 200_000 // count))):
        entries = list(_entries(count, accounts, f"batch-{lines_each}-{count}-{turn}", FIRST_DAY, lines_each))
        bare.append(_bare_copy(owner, entries, ""))
        indexed.append(_bare_copy(owner, entries, "INCLUDING INDEXES"))
        took, result = seconds(partial(in_transaction, partial(service.post_batch, entries, by=BY)))
        assert result.postings == len(entries) * lines_each
        ours.append(took)
    figure(
        f"ledger.post_batch.{count}.{lines_each}_lines_each",
        min(ours),
        "s",
        baseline=min(indexed),
        n=count,
        detail="baseline: COPY of the same entries and lines into tables with the same indexes; without any index"
        f" {min(bare):.3f} s, {min(ours) / min(bare):.2f} times; {count / min(ours):,.0f} lines/s; best of {len(ours)}",
    )


def _bare_copy(owner: psycopg.Connection[Any], entries: Sequence[BatchEntry], including: str) -> float:
    """Seconds to COPY the same rows into empty tables of the same shape, and commit."""
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare_entry (LIKE ledger.entry {including})")
        cursor.execute(f"CREATE TABLE bare_posting (LIKE ledger.posting {including})")
        codes = dict(cursor.execute("SELECT code, id FROM ledger.ledger_account").fetchall())
        owner.commit()
        started = perf_counter()
        with cursor.copy(
            "COPY bare_posting (entry_id, line, ledger_account_id, branch_id, member_account_id, amount_cents,"
            " booked_on, value_on) FROM STDIN"
        ) as copy:
            for number, entry in enumerate(entries, 1):
                for position, line in enumerate(entry.lines, 1):
                    copy.write_row(
                        (
                            number,
                            position,
                            codes[line.account],
                            line.branch_id,
                            line.member_account,
                            line.amount.cents,
                            entry.on,
                            entry.on,
                        )
                    )
        with cursor.copy(
            "COPY bare_entry (id, posted_at, booked_on, value_on, idempotency_key, cause_type, cause_id, description,"
            " actor_kind, actor_id, actor_channel) FROM STDIN"
        ) as copy:
            for number, entry in enumerate(entries, 1):
                copy.write_row(
                    (
                        number,
                        "2026-01-01 12:00:00+00",
                        entry.on,
                        entry.on,
                        entry.key,
                        entry.cause.type,
                        entry.cause.id,
                        entry.description,
                        BY.kind,
                        BY.id,
                        BY.channel,
                    )
                )
        owner.commit()
        took = perf_counter() - started
        cursor.execute("DROP TABLE bare_entry, bare_posting")
        owner.commit()
    return took


def _history(accounts: Sequence[int]) -> None:
    """The day of the large batches and some of ordinary business, each rolled and sealed; today is left open."""
    today = queries.business_date()
    sealing = []
    generator = random.Random(1)
    for n in range(HISTORY_DAYS):
        ending = today
        in_transaction(lambda ending=ending: service.roll_day(ending, by=DAY_END))  # type: ignore[misc]
        took, _ = seconds(lambda ending=ending: in_transaction(lambda: service.seal_day(ending, by=DAY_END)))  # type: ignore[misc]
        if n == 0:
            postings = queries.seal_of(ending).posting_count
            figure("ledger.seal_day.large", took, "s", n=postings, detail="a day of that many postings")
        else:
            sealing.append(took)
        today = ending + timedelta(days=1)
        if n < 2:
            continue
        shuffled = generator.sample(accounts, HISTORY_LINES_PER_DAY // 2)
        in_transaction(
            lambda today=today, shuffled=shuffled: service.post_batch(  # type: ignore[misc]
                _entries(HISTORY_LINES_PER_DAY, shuffled, f"day-{today}", today), by=BY
            )
        )
    figure("ledger.seal_day", sum(sealing[2:]) / len(sealing[2:]), "s", n=HISTORY_LINES_PER_DAY)


def _reading(accounts: Sequence[int]) -> None:
    """What screens and reports ask for, and the proof."""
    db.session.rollback()
    account = accounts[5]
    figure("ledger.balance", median_ms(lambda: queries.balance(account)), "ms")
    figure("ledger.balances_of_25", median_ms(lambda: queries.balances(accounts[:25])), "ms", n=25)
    figure("ledger.statement_page", median_ms(lambda: queries.statement(account)), "ms")
    figure("ledger.ledger_balance", median_ms(lambda: queries.ledger_balance("1120")), "ms")
    size = db.session.execute(
        text("SELECT (SELECT count(*) FROM ledger.posting), (SELECT count(*) FROM ledger.daily_total)")
    ).one()
    detail = f"{size[0]:,} postings, {size[1]:,} daily totals, {HISTORY_LINES_PER_DAY:,} postings today"
    figure("ledger.trial_balance", median_ms(queries.trial_balance), "ms", n=size[0], detail=detail)
    db.session.rollback()
    took, report = seconds(verify)
    wrong = sum(found for check, found in report.found.items() if check in CHECKS)
    detail = f"{wrong} differences, {len(report.checks)} checks, {report.counts['entries']:,} entries"
    figure("ledger.verify", took, "s", n=report.counts["postings"], detail=detail)
