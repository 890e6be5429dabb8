"""Use cases: adding and changing receivers, passing on what was announced, sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.api.webhooks import events, queries, rules, signing
from app.api.webhooks.errors import DeliveryMissing, StaleSubscription, StillWaiting, SubscriptionEnded
from app.api.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from app.api.webhooks.rules import Heard
from app.api.webhooks.schemas import NewSubscription, SubscriptionEdit
from app.api.webhooks.states import DeliveryState, SubscriptionState
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.announcements import Announcement
from app.kernel.database import db
from app.kernel.doorbell import ring
from app.kernel.leases import claim, done, hold

PASSED_ON_TOGETHER = 200
LEASE_SECONDS = 60  # longer than the client waits for the receiver
OLD_SECRET_LIFE = timedelta(hours=24)  # in which the receiver takes over the new one


@dataclass(frozen=True, slots=True)
class Sending:
    """One claimed message, as plain values: what is sent after the transaction."""

    delivery_id: UUID
    fence: int
    url: str
    body: bytes
    headers: dict[str, str]


def subscribe(values: NewSubscription, *, by: Actor) -> tuple[UUID, str]:
    """Add a receiver; returns its id and the signing secret, which is shown this once."""
    secret = signing.new_secret()
    row = WebhookSubscription(**_columns(values), secret=secret, created_by=by.principal)
    db.session.add(row)
    db.session.flush()  # the audit row needs the id
    _record("webhooks.added", row, by, after=_told(values))
    return row.id, secret


def edit(subscription_id: UUID, values: SubscriptionEdit, *, by: Actor) -> None:
    """Change a receiver. Refuses with SubscriptionMissing, SubscriptionEnded and StaleSubscription."""
    row = _locked(subscription_id)
    if row.version != values.version:
        raise StaleSubscription
    before = {"description": row.description, "events": list(row.events), "url": row.url}
    was, now = audit.differences(before, _told(values) | {"url": values.url}, hidden=("url",))
    for name, value in _columns(values).items():
        setattr(row, name, value)
    if now:
        _record("webhooks.edited", row, by, before=was, after=now)


def pause(subscription_id: UUID, *, by: Actor) -> None:
    """Stop telling a receiver; what happens meanwhile is not kept for it. Refuses as ``edit`` does."""
    _move(subscription_id, SubscriptionState.PAUSED, by)


def resume(subscription_id: UUID, *, by: Actor) -> None:
    """Tell a receiver again what happens from now on. Refuses as ``edit`` does."""
    row = _move(subscription_id, SubscriptionState.ACTIVE, by)
    row.failing_since = row.rests_until = None


def end(subscription_id: UUID, *, by: Actor) -> None:
    """Remove a receiver for good; its log stays. Refuses with SubscriptionMissing and SubscriptionEnded."""
    _move(subscription_id, SubscriptionState.ENDED, by)


def exchange_secret(subscription_id: UUID, *, by: Actor) -> str:
    """Make a new signing secret; for a day both sign, so that the receiver need not change at the same second.

    Refuses with SubscriptionMissing and SubscriptionEnded.
    """
    row = _locked(subscription_id)
    row.old_secret, row.old_secret_until = row.secret, clock.now() + OLD_SECRET_LIFE
    row.secret = signing.new_secret()
    _record("webhooks.secret_exchanged", row, by, after={"secret": audit.CHANGED})
    return row.secret


def send_test(subscription_id: UUID, *, by: Actor) -> UUID:
    """Send a receiver a message that means nothing. Refuses with SubscriptionMissing and SubscriptionEnded."""
    row = _locked(subscription_id)
    instant = clock.now()
    said = Announcement(
        event=events.TEST_EVENT,
        subject_type="webhook",
        subject_id=str(row.id),
        facts={"webhook_id": str(row.id), "asked_by": by.principal},
        at=instant,
        passed_on_at=instant,
    )
    db.session.add(said)
    db.session.flush()  # the message needs the announcement's id
    [delivery_id] = _pass_on([said], [row])
    _record("webhooks.tested", row, by, after={})
    return delivery_id


def send_again(delivery_id: UUID, *, by: Actor) -> None:
    """Send one message again, whatever became of it. Refuses with DeliveryMissing, StillWaiting, SubscriptionEnded."""
    delivery = db.session.get(WebhookDelivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise DeliveryMissing
    row = _locked(delivery.subscription_id)
    if delivery.state is DeliveryState.WAITING:
        raise StillWaiting
    _wait_again(delivery)
    _record("webhooks.sent_again", row, by, after={"message": str(delivery_id)})


def send_failed_again(subscription_id: UUID, *, by: Actor) -> int:
    """Send again every message that was given up, the oldest first; returns how many.

    Refuses with SubscriptionMissing and SubscriptionEnded.
    """
    row = _locked(subscription_id)
    row.rests_until = None
    again = (
        update(WebhookDelivery)
        .where(WebhookDelivery.subscription_id == subscription_id, WebhookDelivery.state == DeliveryState.GIVEN_UP)
        .values(state=DeliveryState.WAITING, due_at=clock.now(), tries=0, ended_at=None)
        .returning(WebhookDelivery.id)
    )
    count = len(db.session.scalars(again).all())  # the sweep rings for them
    _record("webhooks.failed_sent_again", row, by, after={"messages": count})
    return count


def pass_on() -> int:
    """Make a message of each announcement for each receiver that wants it; returns how many announcements there were.

    Those that another worker is passing on are left to it.
    """
    waiting = db.session.scalars(
        select(Announcement)
        .where(Announcement.passed_on_at.is_(None))
        .order_by(Announcement.at, Announcement.id)
        .limit(PASSED_ON_TOGETHER)
        .with_for_update(skip_locked=True)
    ).all()
    active = select(WebhookSubscription).where(WebhookSubscription.state == SubscriptionState.ACTIVE)
    _pass_on(waiting, db.session.scalars(active).all())
    for announcement in waiting:
        announcement.passed_on_at = clock.now()
    return len(waiting)


def claim_for_sending(delivery_id: UUID) -> Sending | None:
    """Take a message for one try; None when there is nothing to send now."""
    delivery = claim(WebhookDelivery, delivery_id, seconds=LEASE_SECONDS)
    if delivery is None:
        return None
    row = delivery.subscription
    if row.state is not SubscriptionState.ACTIVE and delivery.announcement.event != events.TEST_EVENT:
        done(delivery)
        delivery.move_to(DeliveryState.DROPPED, at=clock.now())
        return None
    if row.rests_until is not None and row.rests_until > clock.now():
        done(delivery, next_at=row.rests_until)  # another message found it out of order; not each finds out anew
        return None
    body = events.message(delivery.announcement)
    signed = signing.headers(str(delivery.id), body, at=clock.now(), signing_secrets=_secrets(row))
    headers = {"Content-Type": "application/json", **signed}
    return Sending(delivery.id, delivery.fence, row.url, body, headers)


def record_try(delivery_id: UUID, heard: Heard, *, fence: int) -> None:
    """Write down what came of a try, and when the next one is due. Raises LeaseLost when another worker has it."""
    delivery = hold(WebhookDelivery, delivery_id, fence=fence)
    row = db.session.get_one(
        WebhookSubscription, delivery.subscription_id, with_for_update=True, populate_existing=True
    )
    instant = clock.now()
    db.session.add(
        WebhookAttempt(
            delivery_id=delivery.id,
            at=instant,
            status=heard.status,
            words=heard.words,
            milliseconds=heard.milliseconds,
        )
    )
    delivery.tries += 1
    if heard.is_success:
        done(delivery)
        delivery.move_to(DeliveryState.DELIVERED, at=instant)
        row.failing_since = row.rests_until = None
        return
    row.failing_since = row.failing_since or instant
    if heard.wants_no_more:
        row.state = SubscriptionState.PAUSED
        _record("webhooks.paused", row, Actor.system("webhooks.send"), after={"reason": "the receiver said 410 Gone"})
    wait = None if heard.wants_no_more else rules.wait_after(delivery.tries)
    done(delivery, next_at=instant + wait if wait else None)
    if wait is None:
        delivery.move_to(DeliveryState.GIVEN_UP, at=instant)
    else:
        row.rests_until = instant + min(wait, rules.LONGEST_REST)


def _pass_on(waiting: Sequence[Announcement], receivers: Sequence[WebhookSubscription]) -> list[UUID]:
    instant = clock.now()
    rows = [
        {
            "subscription_id": receiver.id,
            "announcement_id": said.id,
            "state": DeliveryState.WAITING,
            "tries": 0,
            "created_at": instant,
            "due_at": instant,
        }
        for said in waiting
        for receiver in receivers
        if said.event in receiver.events or said.event == events.TEST_EVENT
    ]
    if not rows:
        return []
    fresh = insert(WebhookDelivery).values(rows).on_conflict_do_nothing().returning(WebhookDelivery.id)
    made = list(db.session.scalars(fresh))
    for delivery_id in made:
        ring("webhooks.send", delivery_id)
    return made


def _wait_again(delivery: WebhookDelivery) -> None:
    delivery.move_to(DeliveryState.WAITING, at=clock.now())
    delivery.tries, delivery.due_at = 0, clock.now()
    delivery.subscription.rests_until = None
    ring("webhooks.send", delivery.id)


def _secrets(row: WebhookSubscription) -> list[str]:
    is_old_good = row.old_secret is not None and row.old_secret_until is not None and row.old_secret_until > clock.now()
    return [row.secret, row.old_secret] if is_old_good and row.old_secret else [row.secret]


def _locked(subscription_id: UUID) -> WebhookSubscription:
    row = queries.subscription(subscription_id)
    db.session.refresh(row, with_for_update=True)
    if row.state is SubscriptionState.ENDED:
        raise SubscriptionEnded
    return row


def _move(subscription_id: UUID, state: SubscriptionState, by: Actor) -> WebhookSubscription:
    row = _locked(subscription_id)
    before, row.state = row.state, state
    if before is not state:
        _record(f"webhooks.{state.value}", row, by, before={"state": before}, after={"state": state})
    return row


def _columns(values: NewSubscription) -> dict[str, Any]:
    return {
        "description": values.description,
        "url": values.url,
        "host": urlsplit(values.url).hostname,
        "events": values.events,
    }


def _told(values: NewSubscription) -> dict[str, Any]:
    return {"description": values.description, "events": values.events}


def _record(
    action: str, row: WebhookSubscription, by: Actor, *, after: dict[str, Any], before: dict[str, Any] | None = None
) -> None:
    audit.record(action, subject=("webhook", row.id), by=by, before=before, after=after)
