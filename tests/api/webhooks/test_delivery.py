"""From what happened to what another program hears: once announced, told until it was heard, and signed."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from app.api.webhooks import jobs, queries, service
from app.api.webhooks.errors import StillWaiting, SubscriptionEnded
from app.api.webhooks.models import WebhookAttempt, WebhookDelivery
from app.api.webhooks.states import DeliveryState, SubscriptionState
from app.kernel.announcements import Announcement, announce
from app.kernel.database import db
from app.kernel.leases import LeaseLost
from app.kernel.transactions import in_transaction
from tests.api.webhooks.conftest import BY, subscribe
from tests.api.webhooks.receiver import Receiver
from tests.harness.clock import SettableClock

PAID = {"payment_id": "0199", "amount": "1500.00"}


def happen(event: str = "payment.succeeded") -> None:
    in_transaction(lambda: announce(event, subject=("payment", "0199"), facts=PAID))


def run() -> None:
    """What scheduler and worker do: pass on, and send what is due."""
    jobs.pass_on()
    for delivery_id in queries.due():
        jobs.send(delivery_id)


def log() -> list[WebhookDelivery]:
    db.session.expire_all()
    return list(db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def test_a_receiver_hears_what_it_asked_for_and_can_check_it(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    clock.run()
    happen()
    happen("member.registered")

    run()

    [taken] = receiver.taken
    told = Webhook(subscribed[1]).verify(taken.body, taken.headers)
    assert (told["type"], told["data"]) == ("payment.succeeded", PAID)
    [delivery] = log()
    assert taken.headers["webhook-id"] == str(delivery.id)
    assert delivery.state is DeliveryState.DELIVERED
    assert [(attempt.status, attempt.words) for attempt in delivery.attempts] == [(200, "heard")]


def test_what_is_rolled_back_is_told_to_nobody(app: Flask, receiver: Receiver, subscribed: tuple[str, str]) -> None:
    def fail() -> None:
        announce("payment.succeeded", subject=("payment", "0199"), facts=PAID)
        raise RuntimeError("the money could not be posted")

    with pytest.raises(RuntimeError):
        in_transaction(fail)
    run()

    assert receiver.taken == []


def test_passing_on_twice_makes_one_message(app: Flask, receiver: Receiver, subscribed: tuple[str, str]) -> None:
    happen()
    in_transaction(service.pass_on)
    for announcement in db.session.scalars(select(Announcement)):
        announcement.passed_on_at = None  # as if the worker had died just before it noted this
    db.session.commit()

    run()

    assert len(log()) == len(receiver.taken) == 1


def test_a_receiver_that_fails_is_tried_again_with_the_same_message(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    clock.set("2026-11-22T10:00+00:00")
    receiver.statuses = [500, 302, 200]
    happen()

    run()
    assert log()[0].due_at == datetime(2026, 11, 22, 10, 0, 15, tzinfo=UTC)
    run()
    assert len(receiver.taken) == 1, "it is not due yet"
    clock.forward(seconds=15)
    run()
    clock.forward(minutes=1)
    run()

    assert log()[0].state is DeliveryState.DELIVERED
    assert len({taken.headers["webhook-id"] for taken in receiver.taken}) == 1
    assert len({taken.body for taken in receiver.taken}) == 1
    assert len({taken.headers["webhook-timestamp"] for taken in receiver.taken}) == 3
    assert [attempt.status for attempt in log()[0].attempts] == [500, 302, 200]


def test_one_message_tries_for_all_while_a_receiver_fails(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    clock.set("2026-11-22T10:00+00:00")
    receiver.statuses = [503, 200]
    for _ in range(5):
        happen()

    run()
    assert len(receiver.taken) == 1
    clock.forward(seconds=16)
    run()

    assert len(receiver.taken) == 6
    assert {delivery.state for delivery in log()} == {DeliveryState.DELIVERED}
    assert queries.subscription(UUID(subscribed[0])).failing_since is None


def test_after_two_days_a_message_is_given_up_and_can_be_sent_again(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    clock.set("2026-11-22T10:00+00:00")
    receiver.statuses = [500]
    happen()
    for _ in range(12):
        run()
        clock.forward(hours=20)
    assert (log()[0].state, len(receiver.taken)) == (DeliveryState.GIVEN_UP, 10)

    receiver.statuses = [200]
    count = in_transaction(lambda: service.send_failed_again(UUID(subscribed[0]), by=BY))
    run()

    assert (count, log()[0].state) == (1, DeliveryState.DELIVERED)
    assert len(log()[0].attempts) == 11


def test_a_delivered_message_can_be_sent_again_under_its_own_id(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str]
) -> None:
    happen()
    run()

    in_transaction(lambda: service.send_again(log()[0].id, by=BY))
    with pytest.raises(StillWaiting):
        in_transaction(lambda: service.send_again(log()[0].id, by=BY))
    run()

    assert [taken.headers["webhook-id"] for taken in receiver.taken] == [str(log()[0].id)] * 2


def test_a_receiver_that_says_gone_is_told_nothing_more(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str]
) -> None:
    receiver.statuses = [410]
    happen()
    run()
    happen()
    run()

    assert len(receiver.taken) == 1
    assert log()[0].state is DeliveryState.GIVEN_UP
    assert queries.subscription(UUID(subscribed[0])).state is SubscriptionState.PAUSED


def test_what_waits_for_a_paused_receiver_is_not_sent(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str]
) -> None:
    happen()
    jobs.pass_on()
    in_transaction(lambda: service.pause(UUID(subscribed[0]), by=BY))
    run()

    assert receiver.taken == []
    assert log()[0].state is DeliveryState.DROPPED


def test_a_removed_receiver_stays_removed(app: Flask, receiver: Receiver, subscribed: tuple[str, str]) -> None:
    in_transaction(lambda: service.end(UUID(subscribed[0]), by=BY))

    with pytest.raises(SubscriptionEnded):
        in_transaction(lambda: service.resume(UUID(subscribed[0]), by=BY))
    assert queries.subscriptions() == []


def test_for_a_day_both_secrets_verify_and_then_only_the_new_one(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    new = in_transaction(lambda: service.exchange_secret(UUID(subscribed[0]), by=BY))
    happen()
    run()
    clock.forward(hours=25)
    happen()
    run()

    assert [taken.headers["webhook-signature"].count("v1,") for taken in receiver.taken] == [2, 1]
    assert new != subscribed[1]


def test_nobody_follows_a_receiver_that_points_elsewhere(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str]
) -> None:
    receiver.statuses, receiver.redirect_to = [307], receiver.url.replace("/hook", "/elsewhere")
    happen()
    run()

    assert [taken.path for taken in receiver.taken] == ["/hook"]
    assert log()[0].attempts[0].status == 307


def test_a_worker_that_comes_back_late_writes_nothing(
    app: Flask, receiver: Receiver, subscribed: tuple[str, str], clock: SettableClock
) -> None:
    happen()
    jobs.pass_on()
    first = in_transaction(lambda: service.claim_for_sending(queries.due()[0]))
    assert first is not None
    clock.forward(minutes=2)
    run()

    with pytest.raises(LeaseLost):
        in_transaction(lambda: service.record_try(first.delivery_id, service.Heard(500, "", 1), fence=first.fence))
    assert log()[0].state is DeliveryState.DELIVERED


def test_eight_workers_at_once_send_each_message_once(committed_app: Flask, receiver: Receiver) -> None:
    with committed_app.app_context():
        subscribe(receiver.url)
        for _ in range(5):
            happen()
    ready = threading.Barrier(8)

    def work() -> None:
        with committed_app.app_context():
            ready.wait()
            jobs.pass_on()
            for delivery_id in queries.due():
                jobs.send(delivery_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed_app.app_context():
        run()
        assert sorted(taken.headers["webhook-id"] for taken in receiver.taken) == sorted(str(d.id) for d in log())
        assert len(log()) == 5
        assert len(db.session.scalars(select(WebhookAttempt)).all()) == 5


def test_a_message_says_nothing_about_the_person(app: Flask, receiver: Receiver, subscribed: tuple[str, str]) -> None:
    happen()
    run()

    assert set(json.loads(receiver.taken[0].body)) == {"type", "timestamp", "data"}
