"""What Prometheus reads: who may, that the figures are right, and that they hold nobody's data."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from rq.timeouts import JobTimeoutException
from sqlalchemy import text

from app.kernel import doorbell
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.money import kes
from app.kernel.transactions import in_transaction
from app.ledger.verify import Difference, Report
from app.ops import figures, heartbeats, metrics, verification
from app.payments.destinations import Purpose
from app.payments.service import Intended, PaymentService
from tests.harness.apps import dispose, make_app
from tests.harness.clock import SettableClock
from tests.harness.servers import Servers
from tests.payments.mpesa.conftest import Society, paybill, society

__all__ = ["paybill", "society"]

TOKEN = "a-token-for-prometheus-that-nobody-else-knows"


@pytest.fixture(autouse=True)
def fresh_figures(app: Flask) -> None:
    metrics.kept().forget()


def samples(page: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels in the order of their names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def scraped(client: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content_type) == (200, metrics.CONTENT_TYPE)
    return samples(answer.text)


# Who may


def test_a_program_on_this_machine_may_read(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via"])
def test_what_came_through_a_proxy_on_this_machine_is_not_from_this_machine(client: FlaskClient, header: str) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize("address", ["10.0.0.7", "203.0.113.5", "2001:db8::1", ""])
def test_others_find_nothing(client: FlaskClient, address: str) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == 404
    assert "pamoja_" not in answer.text


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 404), ("Bearer ", 404), (f"Basic {TOKEN}", 404), ("Bearer é", 404)],
)
def test_from_elsewhere_only_with_the_token(app: Flask, client: FlaskClient, header: str, status: int) -> None:
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, metrics_token=TOKEN)
    try:
        answer = client.get("/metrics", headers={"Authorization": header}, environ_base={"REMOTE_ADDR": "10.0.0.7"})
    finally:
        app.extensions["settings"] = before

    assert answer.status_code == status


def test_without_a_token_set_no_token_opens(client: FlaskClient) -> None:
    for header in ("Bearer ", "Bearer None", "Bearer"):
        answer = client.get("/metrics", headers={"Authorization": header}, environ_base={"REMOTE_ADDR": "10.0.0.7"})
        assert answer.status_code == 404


# What it says


def test_every_figure_can_be_read(app: Flask) -> None:
    found = figures.read()

    assert found.failed == []
    assert found.database_is_up


def test_payments_on_the_way_are_counted_by_rail_and_state(client: FlaskClient, society, clock: SettableClock) -> None:
    prompt(society)
    clock.forward(minutes=7)
    metrics.kept().forget()

    told = scraped(client)

    state = next(labels for name, labels in told if name == "pamoja_payments_open_count")
    assert state[0] == "mpesa"
    assert told["pamoja_payments_open_count", state] == 1
    assert told["pamoja_payments_open_shillings", state] == 1500
    assert told["pamoja_payments_open_oldest_seconds", state] == pytest.approx(420, abs=5)
    assert told["pamoja_payments_last_hour_count", state] == 1


def test_programs_are_told_whether_they_were_ever_seen_or_not(client: FlaskClient, clock: SettableClock) -> None:
    clock.set("2026-11-20T09:00+00:00")
    in_transaction(lambda: heartbeats.note("payments", "a:1"))
    clock.forward(seconds=30)

    told = scraped(client)

    instances = {program: told["pamoja_program_instances", (program,)] for program in heartbeats.PROGRAMS}
    assert instances == {**dict.fromkeys(heartbeats.PROGRAMS, 0), "payments": 1}
    assert told["pamoja_program_seen_seconds", ("payments",)] == 30
    assert ("pamoja_program_seen_seconds", ("default",)) not in told


def test_what_sweeps_found_adds_up(client: FlaskClient) -> None:
    for found in ({"payments.due": 2, "messaging.due": 0}, {"payments.due": 3}, {}):
        in_transaction(lambda found=found: heartbeats.note_finds(found))

    told = scraped(client)

    assert told["pamoja_sweep_found_total", ("payments.due",)] == 5
    assert ("pamoja_sweep_found_total", ("messaging.due",)) not in told


def test_callbacks_are_told_with_their_lag(app: Flask, client: FlaskClient) -> None:
    received = datetime(2026, 11, 20, 9, tzinfo=UTC)
    for number, seconds in enumerate([1, 2, 3, 4, 100]):
        callback(number, received, processed_seconds=seconds, outcome="applied")
    callback(9, received, processed_seconds=None, outcome="waiting")

    told = scraped(client)

    assert told["pamoja_callback_lag_seconds", ("0.5",)] == 3
    assert told["pamoja_callback_lag_seconds", ("1",)] == 100
    assert told["pamoja_callback_lag_seconds", ("0.95",)] == pytest.approx(80.8)
    assert told["pamoja_callbacks_last_10_minutes_count", ("applied", "mpesa")] == 5
    assert told["pamoja_callbacks_waiting_count", ()] == 1


def test_a_verification_of_the_books_is_told(app: Flask, client: FlaskClient, clock: SettableClock) -> None:
    clock.set("2026-11-20T09:00+00:00")
    broken = Report(counts={"entries": 7}, found={"balance_is_sum": 2}, differences=[Difference("x", {"account": 1})])
    in_transaction(lambda: verification.keep(broken, datetime(2026, 11, 20, 8, 59, tzinfo=UTC)))
    clock.forward(hours=1)

    told = scraped(client)

    assert told["pamoja_ledger_verified_ok", ()] == 0
    assert told["pamoja_ledger_verified_differences", ()] == 2
    assert told["pamoja_ledger_verified_age_seconds", ()] == 3600
    assert told["pamoja_ledger_verified_took_seconds", ()] == 60


def test_the_books_are_verified_by_the_clock(committed_app: Flask) -> None:
    with committed_app.app_context():
        verification.verify_books()

        last = verification.latest()
        assert last is not None
        assert (last.is_ok, last.differences) == (True, 0)


def test_books_that_take_too_long_are_left_for_the_next_night(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot is done: it would else be due again, and as slow, for the rest of the day. The alarm sees no new row."""

    def never_ends() -> Report:
        raise JobTimeoutException("too long")

    monkeypatch.setattr(verification, "verify", never_ends)

    verification.verify_books()

    assert verification.latest() is None


def test_waiting_rings_are_told_with_the_age_of_the_first(app: Flask, client: FlaskClient) -> None:
    doorbell.queue("payments").enqueue_call(doorbell.answer, args=("payments.submit", "x"))
    doorbell.queue("payments").enqueue_call(doorbell.answer, args=("payments.submit", "y"))

    told = scraped(client)

    assert told["pamoja_redis_up", ()] == 1
    assert told["pamoja_queue_waiting", ("payments",)] == 2
    assert told["pamoja_queue_waiting", ("default",)] == 0
    assert 0 <= told["pamoja_queue_oldest_seconds", ("payments",)] < 60


def test_requests_and_security_events_are_counted(client: FlaskClient) -> None:
    before = scraped(client)
    client.get("/sign-in")
    client.get("/nothing")
    client.post("/hooks/m/00112233445566778899aabbccddeeff/stk", json={})

    told = scraped(client)

    def more(*key: object) -> float:
        return told.get(key, 0) - before.get(key, 0)

    assert more("pamoja_requests_total", ("identity", "2xx")) == 1
    assert more("pamoja_requests_total", ("none", "4xx")) == 1
    assert more("pamoja_request_seconds_count", ("identity",)) == 1
    assert more("pamoja_security_events_total", ("a_callback_came_to_a_wrong_secret",)) == 1


def test_kinds_of_security_events_cannot_grow_without_end() -> None:
    handler = metrics.SecurityEvents()
    for number in range(500):
        handler.emit(logging.makeLogRecord({"msg": f"made up {number}"}))

    kinds = {sample.labels["event"] for family in metrics.SECURITY.collect() for sample in family.samples}
    assert len([kind for kind in kinds if kind.startswith("made_up")]) == metrics.MOST_EVENTS
    assert "other" in kinds


def test_asking_often_reads_once(client: FlaskClient, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.set("2026-11-20T09:00+00:00")
    reads = []
    monkeypatch.setattr(figures, "read", lambda: reads.append(1) or figures.Figures())

    for _ in range(5):
        client.get("/metrics")
    clock.forward(seconds=6)
    client.get("/metrics")

    assert len(reads) == 2


def test_labels_name_nobody_and_are_few(client: FlaskClient, society) -> None:
    prompt(society)
    metrics.kept().forget()

    page = client.get("/metrics").text

    assert len(page.splitlines()) < 1500
    assert not re.search(r"254[17]\d{8}|[0-9a-f]{8}-[0-9a-f]{4}-|Wanjiku|@", page)


def test_a_reading_that_fails_is_named_and_the_others_are_told(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = figures.Reading("broken", text("SELECT 1/0 AS count"), {"count": "x"})
    monkeypatch.setattr(figures.read, "__defaults__", ((broken, *figures.READINGS),))

    told = scraped(client)

    assert told["pamoja_figure_failed", ("broken",)] == 1
    assert ("pamoja_program_instances", ("payments",)) in told


def test_a_slow_reading_is_given_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "STATEMENT_TIMEOUT", "SET LOCAL statement_timeout = 50")
    slow = figures.Reading("slow", text("SELECT 1 AS count FROM pg_sleep(5)"), {"count": "x"})

    assert figures.read((slow,)).failed == ["slow"]


def test_readings_cannot_write(app: Flask) -> None:
    writing = figures.Reading("writing", text("DELETE FROM heartbeat RETURNING 1 AS count"), {"count": "x"})

    assert figures.read((writing,)).failed == ["writing"]


def test_without_redis_the_rest_is_told(servers: Servers) -> None:
    with servers.clone() as name:
        app = make_app(servers.settings(name, redis_url="redis://127.0.0.1:1/0"))
        told = scraped(app.test_client())
        dispose(app)

    assert told["pamoja_redis_up", ()] == 0
    assert not [name for name, _ in told if name.startswith("pamoja_queue_")]
    assert told["pamoja_database_up", ()] == 1


def test_without_its_database_it_says_so(servers: Servers) -> None:
    with servers.clone() as name:
        app = make_app(servers.settings(name))
    told = scraped(app.test_client())  # the clone is gone by now
    dispose(app)

    assert told["pamoja_database_up", ()] == 0
    assert not [name for name, _ in told if name.startswith("pamoja_payments_")]


def callback(number: int, received: datetime, *, processed_seconds: int | None, outcome: str) -> None:
    """A stored callback and the work that it means."""
    row = {"at": received, "body": b"x", "seconds": processed_seconds, "outcome": outcome, "hash": bytes([number])}
    in_transaction(
        lambda: db.session.execute(
            text(
                """
                WITH stored AS (
                    INSERT INTO payment_callback (rail, flow, body_encrypted, body_hash, source_address, received_at)
                    VALUES ('mpesa', 'stk', :body, :hash, '127.0.0.1', CAST(:at AS timestamptz)) RETURNING id)
                INSERT INTO callback_work (callback_id, outcome, processed_at, due_at)
                SELECT id, CAST(:outcome AS text), CAST(:at AS timestamptz) + :seconds * interval '1 second',
                       CASE WHEN CAST(:outcome AS text) = 'waiting' THEN CAST(:at AS timestamptz) END FROM stored
                """
            ),
            row,
        )
    )


def prompt(to: Society) -> None:
    """Somebody is asked for 1,500 shillings."""
    share = Intended(Purpose.SAVINGS_DEPOSIT, to.account_id, kes("1,500"))
    by = Actor("system", "tests", "job")
    in_transaction(lambda: PaymentService(by).prompt(to.member_id, phone=to.phone, intended=[share]))
