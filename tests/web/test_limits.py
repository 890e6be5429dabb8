"""The coarse gate: a flood is kept out, others are not, and it stands while Redis is out of order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.limits import SIGN_INS
from tests.harness.apps import dispose, make_app
from tests.harness.servers import Servers

A_MINUTE = int(SIGN_INS.split(" ", 1)[0])
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def without_redis(servers: Servers, app: Flask) -> Iterator[Flask]:
    """The same society, while Redis is down."""
    database = app.extensions["settings"].database_url.rsplit("/", 1)[-1].split("?")[0]
    other = make_app(servers.settings(database, redis_url=NOBODY_LISTENS))
    yield other
    dispose(other)


def flood(client: FlaskClient, path: str, count: int, address: str = "10.0.0.1") -> list[int]:
    """What so many forms without our token are answered: the gate comes before anything is looked at."""
    return [client.post(path, environ_base={"REMOTE_ADDR": address}).status_code for _ in range(count)]


def test_a_flood_of_sign_ins_is_kept_out_and_another_office_is_not(client: FlaskClient) -> None:
    answers = flood(client, "/sign-in", A_MINUTE)
    too_many = client.post("/sign-in", environ_base={"REMOTE_ADDR": "10.0.0.1"})

    assert set(answers) == {403}
    assert too_many.status_code == 429
    assert int(too_many.headers["Retry-After"]) > 0
    assert flood(client, "/welcome", 1) == [429]  # one count for all that can be guessed at without a session
    assert flood(client, "/sign-in", 1, "10.0.0.2") == [403]


def test_the_gate_stands_while_redis_is_down(without_redis: Flask) -> None:
    client = without_redis.test_client()

    answers = flood(client, "/sign-in", A_MINUTE + 1)

    assert set(answers[:A_MINUTE]) == {403}
    assert answers[A_MINUTE] == 429
    assert client.get("/sign-in", environ_base={"REMOTE_ADDR": "10.0.0.2"}).status_code == 200
