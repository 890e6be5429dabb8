"""The health page: who may see it, what it says in plain words, and that it stands while parts are away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kernel import clock as kernel_clock
from app.kernel.transactions import in_transaction
from app.ledger.verify import Difference, Report
from app.ops import heartbeats, metrics, verification
from tests.harness.apps import dispose, make_app
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.harness.servers import Servers

SignedIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def fresh_figures(app: Flask) -> None:
    metrics.kept().forget()


def words(page: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def everybody_is_there() -> None:
    for program in heartbeats.PROGRAMS:
        in_transaction(lambda program=program: heartbeats.note(program, "machine:1"))


def test_it_names_what_is_missing_first(signed_in: SignedIn) -> None:
    told = words(signed_in("administrator").get("/ops/health").text)

    assert "Worker: payments: not running. It sends prompts" in told
    assert "Never seen. Start it" in told
    assert "Everything is running" not in told


def test_with_everybody_there_the_programs_are_running(signed_in: SignedIn) -> None:
    everybody_is_there()

    told = words(signed_in("administrator").get("/ops/health").text)

    assert "not running" not in told
    assert told.count("1 running") == len(heartbeats.PROGRAMS)
    assert "PostgreSQL 18" in told
    assert "MAIL_URL is not set" in told
    assert "Cookies travel over plain http" in told  # what the sandbox relaxes


def test_a_verification_that_differs_is_a_trouble(app: Flask, signed_in: SignedIn) -> None:
    broken = Report(counts={"entries": 7}, found={"balance_is_sum": 2}, differences=[Difference("x", {"account": 1})])
    in_transaction(lambda: verification.keep(broken, kernel_clock.now()))

    told = words(signed_in("auditor").get("/ops/health").text)

    assert "Verification: differs. 7 entries, just now: 2 differences." in told


def test_a_verification_that_is_old_is_said_to_be(app: Flask, signed_in: SignedIn, clock: SettableClock) -> None:
    whole = Report(counts={"entries": 7})
    now = clock.set("2026-11-20T09:00+00:00")
    clock.set(now - timedelta(hours=27))
    in_transaction(lambda: verification.keep(whole, kernel_clock.now()))
    clock.set(now)

    assert "Verification: old. 7 entries, 1 day ago" in words(signed_in("auditor").get("/ops/health").text)


def test_asked_again_it_answers_with_the_part(signed_in: SignedIn) -> None:
    part = signed_in("manager").get("/ops/health", headers={"HX-Request": "true"})

    assert part.text.lstrip().startswith('<section id="ops-health"')
    assert "HX-Request" in part.headers["Vary"]


def test_it_stands_while_redis_is_away(servers: Servers) -> None:
    with servers.clone() as name:
        app = make_app(servers.settings(name, redis_url="redis://127.0.0.1:1/0"))
        with app.app_context():
            window = signed_in_client(app, hire("administrator"))
        answer = window.get("/ops/health")
        dispose(app)

    assert answer.status_code == 200
    assert "Redis: no answer." in words(answer.text)
