"""Reading receivers and the log of what they were sent."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from app.api.webhooks.errors import DeliveryMissing, SubscriptionMissing
from app.api.webhooks.models import WebhookDelivery, WebhookSubscription
from app.api.webhooks.states import DeliveryState, SubscriptionState
from app.kernel.announcements import Announcement
from app.kernel.database import db
from app.kernel.leases import is_due
from app.kernel.paging import Page, keyset
from app.kernel.reach import SOCIETY_WIDE, Whereabouts

AT_ONCE = 500  # messages a sweep rings for; the next sweep finds the rest


def subscriptions() -> Sequence[WebhookSubscription]:
    """Every receiver that was not removed, by description. There are a handful."""
    return db.session.scalars(
        select(WebhookSubscription)
        .where(WebhookSubscription.state != SubscriptionState.ENDED)
        .order_by(WebhookSubscription.description, WebhookSubscription.id)
    ).all()


def subscription(subscription_id: UUID) -> WebhookSubscription:
    """One receiver. Refuses with SubscriptionMissing."""
    found = db.session.get(WebhookSubscription, subscription_id)
    if found is None:
        raise SubscriptionMissing
    return found


def whereabouts(subscription_id: UUID) -> Whereabouts | None:
    """A receiver hears of the whole society; None if there is none."""
    return SOCIETY_WIDE if db.session.get(WebhookSubscription, subscription_id) else None


def delivery_whereabouts(delivery_id: UUID) -> Whereabouts | None:
    """A message to a receiver, too; None if there is none."""
    return SOCIETY_WIDE if db.session.get(WebhookDelivery, delivery_id) else None


def counts(subscription_ids: Sequence[UUID]) -> dict[tuple[UUID, DeliveryState], int]:
    """How many messages of each receiver wait or were given up."""
    looked_at = (DeliveryState.WAITING, DeliveryState.GIVEN_UP)
    rows = db.session.execute(
        select(WebhookDelivery.subscription_id, WebhookDelivery.state, func.count())
        .where(WebhookDelivery.subscription_id.in_(subscription_ids), WebhookDelivery.state.in_(looked_at))
        .group_by(WebhookDelivery.subscription_id, WebhookDelivery.state)
    )
    return {(subscription_id, state): count for subscription_id, state, count in rows}


def deliveries(
    subscription_id: UUID, *, state: DeliveryState | None = None, after: str | None = None
) -> Page[WebhookDelivery]:
    """One page of a receiver's log, the newest first, each with its tries."""
    query = (
        select(WebhookDelivery)
        .where(WebhookDelivery.subscription_id == subscription_id)
        .options(joinedload(WebhookDelivery.announcement), selectinload(WebhookDelivery.attempts))
    )
    if state:
        query = query.where(WebhookDelivery.state == state)
    return keyset(query, by=[WebhookDelivery.id], after=after)


def delivery(delivery_id: UUID) -> WebhookDelivery:
    """One message with its tries. Refuses with DeliveryMissing."""
    found = db.session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id)
        .options(
            joinedload(WebhookDelivery.announcement),
            joinedload(WebhookDelivery.subscription),
            selectinload(WebhookDelivery.attempts),
        )
    )
    if found is None:
        raise DeliveryMissing
    return found


def due() -> Sequence[UUID]:
    """Messages that want sending and that nobody is sending."""
    return db.session.scalars(
        select(WebhookDelivery.id).where(is_due(WebhookDelivery)).order_by(WebhookDelivery.due_at).limit(AT_ONCE)
    ).all()


def anything_waits_to_be_passed_on() -> bool:
    """Whether announcements are left over whose ring was lost."""
    return bool(db.session.scalar(select(select(Announcement.id).where(Announcement.passed_on_at.is_(None)).exists())))
