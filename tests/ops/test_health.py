"""Alive, ready, degraded, unavailable: told truly while parts are away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq import Worker
from sqlalchemy import insert

from app.kernel import clock as kernel_clock
from app.kernel import doorbell
from app.kernel.database import db
from app.kernel.schedule import ScheduleSlot
from app.kernel.transactions import in_transaction
from tests.harness.apps import dispose, make_app
from tests.harness.people import hire, signed_in_client
from tests.harness.servers import Servers

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def without_redis(servers: Servers) -> Iterator[Flask]:
    with servers.clone() as name:
        app = make_app(servers.settings(name, redis_url=NOBODY_LISTENS))
        yield app
        dispose(app)


def beat(app: Flask, *, minutes_ago: int) -> None:
    at = kernel_clock.now() - timedelta(minutes=minutes_ago)
    in_transaction(lambda: db.session.execute(insert(ScheduleSlot).values(job="ops.beat", slot_at=at)))


def test_a_process_that_answers_is_alive(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "alive"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_workers_it_is_ready_but_says_what_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "degraded",
        "database": True,
        "migrations": True,
        "redis": True,
        "scheduler": False,
        "workers": {"payments": 0, "callbacks": 0, "messages": 0, "default": 0},
    }


@pytest.mark.parametrize(("minutes_ago", "alive"), [(0, True), (2, True), (4, False)])
def test_the_scheduler_is_alive_while_it_beats(app: Flask, client: FlaskClient, minutes_ago: int, alive: bool) -> None:
    beat(app, minutes_ago=minutes_ago)

    assert client.get("/readyz").json["scheduler"] is alive


def test_registered_workers_are_counted(app: Flask, client: FlaskClient) -> None:
    for queue in ("payments", "payments", "default"):
        Worker([doorbell.queue(queue)], connection=doorbell.redis()).register_birth()

    assert client.get("/readyz").json["workers"] == {"payments": 2, "callbacks": 0, "messages": 0, "default": 1}


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
