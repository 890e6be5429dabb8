"""Alive, ready, degraded, unavailable: told truly while parts are away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select

from app.kernel import doorbell
from app.kernel.database import db
from app.kernel.transactions import in_transaction
from app.ops import heartbeats
from app.ops.models import Heartbeat
from tests.harness.apps import dispose, make_app
from tests.harness.clock import SettableClock
from tests.harness.people import hire, signed_in_client
from tests.harness.servers import Servers

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def without_redis(servers: Servers) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name, redis_url=NOBODY_LISTENS))
        yield app
        dispose(app)


def seen(program: str, instance: str = "machine:1") -> None:
    in_transaction(lambda: heartbeats.note(program, instance))


def test_a_process_that_answers_is_alive(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "alive"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_workers_it_is_ready_but_says_what_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "degraded",
        "missing": ["scheduler", *(f"worker {queue}" for queue in doorbell.QUEUES)],
        "database": True,
        "migrations": True,
        "redis": True,
        "scheduler": False,
        "workers": dict.fromkeys(doorbell.QUEUES, 0),
    }


@pytest.mark.parametrize(("seconds_ago", "alive"), [(0, True), (80, True), (100, False)])
def test_a_program_is_there_while_it_was_seen_lately(
    client: FlaskClient, clock: SettableClock, seconds_ago: int, alive: bool
) -> None:
    clock.set("2026-11-20T09:00+00:00")
    seen("scheduler")
    clock.forward(seconds=seconds_ago)

    assert client.get("/readyz").json["scheduler"] is alive


def test_workers_that_were_seen_are_counted(client: FlaskClient) -> None:
    for queue, instance in (("payments", "a:1"), ("payments", "b:1"), ("payments", "a:1"), ("default", "a:2")):
        seen(queue, instance)

    workers = client.get("/readyz").json["workers"]
    assert {queue: number for queue, number in workers.items() if number} == {"payments": 2, "default": 1}


def test_with_everybody_there_nothing_is_missing(client: FlaskClient) -> None:
    for program in heartbeats.PROGRAMS:
        seen(program)

    answer = client.get("/readyz").json

    assert (answer["status"], answer["missing"]) == ("ready", [])


def test_a_program_that_ended_yesterday_is_forgotten(clock: SettableClock, app: Flask) -> None:
    clock.set("2026-11-20T09:00+00:00")
    seen("payments", "a:1")
    clock.forward(days=2)
    seen("payments", "b:1")

    (payments,) = [program for program in heartbeats.programs() if program.name == "payments"]
    assert payments.running == 1
    assert db.session.scalars(select(Heartbeat.instance)).all() == ["b:1"]


def test_a_pulse_writes_when_it_is_time(app: Flask) -> None:
    pulse = heartbeats.Pulse("payments")
    pulse.beat()
    in_transaction(lambda: db.session.execute(delete(Heartbeat)))
    pulse.beat()

    assert db.session.scalar(select(func.count()).select_from(Heartbeat)) == 0


def test_pages_are_served_while_redis_is_away(without_redis: Flask) -> None:
    with without_redis.app_context():
        window = signed_in_client(without_redis, hire("administrator"))

    ready = window.get("/readyz")

    assert (ready.status_code, ready.json["status"], ready.json["redis"]) == (200, "degraded", False)
    assert [window.get("/users").status_code for _ in range(3)] == [200, 200, 200]


def test_floods_are_stopped_while_redis_is_away(without_redis: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.limits.PAGES", "5 per minute")
    client = without_redis.test_client()

    answers = [client.get("/sign-in") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert "Please wait a moment" in answers[-1].text
    assert "Retry-After" in answers[-1].headers


def test_without_its_database_it_is_alive_but_not_ready(servers: Servers) -> None:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
    client = app.test_client()  # the clone is gone by now
    app.testing = False

    ready, alive, page = client.get("/readyz"), client.get("/healthz"), client.get("/sign-in")
    dispose(app)

    assert (ready.status_code, ready.json["status"], ready.json["database"]) == (503, "unavailable", False)
    assert alive.status_code == 200
    assert page.status_code == 200  # it needs nobody's session


def test_a_schema_that_is_behind_is_not_ready(servers: Servers) -> None:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
        app.extensions["migration_heads"] = ("a-migration-of-tomorrow",)

        answer = app.test_client().get("/readyz")
        dispose(app)

    assert (answer.status_code, answer.json["migrations"]) == (503, False)
