"""Receivers, the messages they get, and every try to hand one over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.api.webhooks.states import DELIVERY_MOVES, DeliveryState, SubscriptionState
from app.kernel.announcements import Announcement
from app.kernel.database import EncryptedText, Instant, created_at, db, labelled, uuid_key
from app.kernel.leases import Leased


class WebhookSubscription(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """A receiver: where it listens, what it wants to hear, and the secret that its messages are signed with."""

    __tablename__ = "webhook_subscription"
    __table_args__ = (
        CheckConstraint("cardinality(events) > 0", name="events"),
        CheckConstraint("btrim(description) <> ''", name="description"),
    )

    id: Mapped[UUID] = uuid_key()
    description: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(EncryptedText)  # its path is often a secret of the receiver's
    host: Mapped[str] = mapped_column(Text)  # what people tell receivers apart by
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret: Mapped[str] = mapped_column(EncryptedText)
    old_secret: Mapped[str | None] = mapped_column(EncryptedText)
    old_secret_until: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[SubscriptionState] = mapped_column(
        labelled(SubscriptionState, "state"), default=SubscriptionState.ACTIVE
    )
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    rests_until: Mapped[datetime | None] = mapped_column(Instant)  # one message tries for all while it fails
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)

    __mapper_args__ = {"version_id_col": version}


class WebhookDelivery(Leased, db.Model):  # type: ignore[name-defined]
    """One message to one receiver. Its id is the message id that stays the same at every try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("subscription_id", "announcement_id"),
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="due_at"),
        Index("ix_webhook_delivery_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_webhook_delivery_subscription_id", "subscription_id", "id"),
        Index("ix_webhook_delivery_subscription_id_state", "subscription_id", "state", "id"),
        Index("ix_webhook_delivery_announcement_id", "announcement_id"),
    )

    id: Mapped[UUID] = uuid_key()
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_subscription.id"))
    announcement_id: Mapped[UUID] = mapped_column(ForeignKey("announcement.id", ondelete="CASCADE"))
    state: Mapped[DeliveryState] = mapped_column(labelled(DeliveryState, "state"), default=DeliveryState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)  # since it was last asked for
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    announcement: Mapped[Announcement] = relationship()
    subscription: Mapped[WebhookSubscription] = relationship()
    attempts: Mapped[list[WebhookAttempt]] = relationship(
        order_by="WebhookAttempt.at", viewonly=True, back_populates="delivery"
    )

    def move_to(self, state: DeliveryState, *, at: datetime) -> None:
        """The only writer of the state."""
        assert state in DELIVERY_MOVES[self.state], f"a message does not go from {self.state} to {state}"
        self.state, self.ended_at = state, None if state is DeliveryState.WAITING else at


class WebhookAttempt(db.Model):  # type: ignore[name-defined]
    """One try: when, what the receiver said, and how long it took. Never changed."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index("ix_webhook_attempt_delivery_id", "delivery_id", "at"),)

    id: Mapped[UUID] = uuid_key()
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_delivery.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[int | None]  # of HTTP; none when there was no answer
    words: Mapped[str] = mapped_column(Text)
    milliseconds: Mapped[int]

    delivery: Mapped[WebhookDelivery] = relationship(back_populates="attempts", viewonly=True)
