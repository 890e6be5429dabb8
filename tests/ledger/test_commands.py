"""`flask ledger …`."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from flask import Flask

from app.kernel.database import db
from app.kernel.money import kes
from app.ledger import verify
from launcher.postgres import SUPERUSER
from tests.harness.clock import SettableClock
from tests.harness.servers import Servers
from tests.ledger.book import Book


@pytest.fixture
def society(committed_app: Flask, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Open books with one deposit. Only the ledger's own checks are made: no other room knows these accounts."""
    monkeypatch.setattr(verify, "_comparisons", {})
    clock.set("2026-03-31T12:00+03:00")
    with committed_app.app_context():
        book = Book()
        book.savings(having=kes("1,000"))
        book.roll()
        book.seal()
    return committed_app


def command(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["ledger", *words])
    return result.exit_code, result.output


def test_verify_says_that_the_books_are_whole(society: Flask) -> None:
    code, output = command(society, "verify")

    assert code == 0
    assert "1 entries, 2 postings, 1 member accounts" in output
    assert "last seal: 2026-03-31" in output
    assert "The books are whole." in output


def test_verify_tells_a_program(society: Flask) -> None:
    code, output = command(society, "verify", "--json")

    report: dict[str, Any] = json.loads(output)
    assert code == 0
    assert report["ok"] is True
    assert (report["entries"], report["postings"], report["sealed_days"]) == (1, 2, 1)
    assert report["last_seal"]["on"] == "2026-03-31" and len(report["last_seal"]["hash"]) == 64
    assert report["differences"] == []


def test_a_seal_that_was_written_down_is_compared(society: Flask) -> None:
    _, output = command(society, "verify", "--json")
    seal = json.loads(output)["last_seal"]["hash"]

    assert command(society, "verify", "--seal", f"2026-03-31={seal}")[0] == 0
    code, output = command(society, "verify", "--seal", f"2026-03-31={'0' * 64}", "--seal", f"2026-03-30={seal}")
    assert code == 1
    assert "seal_is_as_written_down: on 2026-03-31" in output
    assert "on 2026-03-30" in output
    assert command(society, "verify", "--seal", "yesterday")[0] == 2


def test_verify_fails_and_names_what_differs(society: Flask, servers: Servers) -> None:
    with society.app_context():
        database = db.engine.url.database
    assert database is not None
    with psycopg.connect(servers.postgres.url(SUPERUSER, database)) as insider:
        insider.execute("SET session_replication_role = replica")
        insider.execute("UPDATE ledger.balance SET amount_cents = amount_cents - 500")

    code, output = command(society, "verify")
    assert code == 1
    assert "balance_is_sum_of_postings: account SV-000001" in output
    assert "differences found" in output
    code, output = command(society, "verify", "--json")
    assert code == 1
    assert json.loads(output)["difference_counts"]["balance_is_sum_of_postings"] == 1


def test_the_books_are_opened_once(committed_app: Flask, clock: SettableClock) -> None:
    clock.set("2026-03-31T22:30+00:00")  # already the next day in Nairobi

    assert command(committed_app, "open") == (0, "The books are open; the business date is 2026-04-01.\n")
    assert command(committed_app, "open", "--date", "2026-01-01") == (0, "The books were open.\n")
