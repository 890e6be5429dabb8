"""Tables of the room: the outbox of texts, and delivery reports that came before we knew what they speak of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import EncryptedPhone, EncryptedText, Instant, created_at, db, labelled, uuid_key
from app.kernel.leases import Leased
from app.kernel.phones import Phone
from app.messaging.states import SMS_MOVES, SmsState
from app.messaging.texts import Language


class SmsMessage(Leased, db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """One text to one phone, written with the event that it tells of and sent afterwards."""

    __tablename__ = "sms_message"
    __table_args__ = (
        UniqueConstraint("cause_type", "cause_id", "template"),  # the same event never texts twice
        UniqueConstraint("provider_message_id"),
        CheckConstraint("attempts >= 0 AND parts > 0", name="counts"),
        Index("ix_sms_message_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_sms_message_held", "due_at", postgresql_where=text("is_held")),
        Index("ix_sms_message_created_at_id", "created_at", "id"),
        Index("ix_sms_message_state_created_at_id", "state", "created_at", "id"),
        Index("ix_sms_message_phone_hash_created_at", "phone_hash", "created_at"),
        Index("ix_sms_message_member_id_created_at", "member_id", "created_at", "id"),
    )

    id: Mapped[UUID] = uuid_key()
    phone: Mapped[Phone] = mapped_column(EncryptedPhone)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str] = mapped_column(EncryptedText)  # as the office may read it
    secret_text: Mapped[str | None] = mapped_column(EncryptedText)  # with a code or PIN in it; gone once it was sent
    template: Mapped[str] = mapped_column(Text)
    language: Mapped[Language] = mapped_column(labelled(Language, "language"))
    parts: Mapped[int]
    cause_type: Mapped[str] = mapped_column(Text)
    cause_id: Mapped[str] = mapped_column(Text)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id"))  # none: it went to somebody we do not know
    state: Mapped[SmsState] = mapped_column(labelled(SmsState, "state"))
    useful_until: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0)
    is_held: Mapped[bool] = mapped_column(default=False)  # waits until our account with the provider is in order
    detail: Mapped[str | None] = mapped_column(Text)  # what went wrong, in words for the office
    provider_code: Mapped[str | None] = mapped_column(Text)
    provider_message_id: Mapped[str | None] = mapped_column(Text)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))  # as the provider says it: prices have parts of a cent
    cost_currency: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at()
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    def move_to(self, state: SmsState, *, at: datetime, detail: str | None = None) -> None:
        """The only writer of the state."""
        assert state in SMS_MOVES[self.state], f"a text does not go from {self.state} to {state}"
        self.state, self.detail = state, detail
        if state not in (SmsState.QUEUED, SmsState.SENDING):
            self.secret_text = None  # it will not be sent again
        if state is SmsState.SENT:
            self.sent_at = at
        if state.is_final:
            self.ended_at = at


class SmsWording(db.Model):  # type: ignore[name-defined]
    """The society's own words for a text. Only ever added to: the latest holds, and none means those of Pamoja."""

    __tablename__ = "sms_wording"
    __table_args__ = (
        UniqueConstraint("template", "language", "version"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("btrim(words) <> ''", name="words"),
    )

    id: Mapped[UUID] = uuid_key()
    template: Mapped[str] = mapped_column(Text)
    language: Mapped[Language] = mapped_column(labelled(Language, "language"))
    version: Mapped[int]
    words: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)


class SmsDeliveryReport(db.Model):  # type: ignore[name-defined]
    """What a report said of a message number that we did not know yet; taken up when the number becomes known."""

    __tablename__ = "sms_delivery_report"

    provider_message_id: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[SmsState] = mapped_column(labelled(SmsState, "state"))
    detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(Instant, index=True)
