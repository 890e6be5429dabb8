"""Tables of the room: tariffs with their bands, excise rates, what was charged, and what members owe."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.fees.events import Basis, Bearer, Event, ExciseKind
from app.kernel.database import MoneyCents, created_at, db, labelled, uuid_key
from app.kernel.money import Money

PERCENT = Numeric(7, 4)  # 100 % and four decimals


class FeeTariff(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """What the board decided to charge for an event, from a day on. Only ever added to; the latest begun holds."""

    __tablename__ = "fee_tariff"
    __table_args__ = (
        UniqueConstraint("event", "starts_on"),
        CheckConstraint("flat_cents >= 0", name="flat"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("minimum_cents >= 0", name="minimum"),
        CheckConstraint("maximum_cents >= coalesce(minimum_cents, 0)", name="maximum"),
        CheckConstraint("(borne_by = 'society') = (expense_account IS NOT NULL)", name="expense_account"),
        CheckConstraint("btrim(decision) <> ''", name="decision"),
    )

    id: Mapped[UUID] = uuid_key()
    event: Mapped[Event] = mapped_column(labelled(Event, "event"))
    starts_on: Mapped[date]
    basis: Mapped[Basis] = mapped_column(labelled(Basis, "basis"))
    flat: Mapped[Money] = mapped_column("flat_cents", MoneyCents)
    percent: Mapped[Decimal] = mapped_column(PERCENT)
    minimum: Mapped[Money | None] = mapped_column("minimum_cents", MoneyCents)
    maximum: Mapped[Money | None] = mapped_column("maximum_cents", MoneyCents)
    borne_by: Mapped[Bearer] = mapped_column(labelled(Bearer, "borne_by"))
    income_account: Mapped[str] = mapped_column(ForeignKey("ledger.ledger_account.code"))
    expense_account: Mapped[str | None] = mapped_column(ForeignKey("ledger.ledger_account.code"))
    excise_kind: Mapped[ExciseKind] = mapped_column(labelled(ExciseKind, "excise_kind"))
    excise_included: Mapped[bool]
    decision: Mapped[str] = mapped_column(Text)  # the minute or circular that says so
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)

    bands: Mapped[list[FeeTariffBand]] = relationship(order_by="FeeTariffBand.number", lazy="selectin")


class FeeTariffBand(db.Model):  # type: ignore[name-defined]
    """One band of a tariff: amounts up to a bound cost so much. The last has no bound."""

    __tablename__ = "fee_tariff_band"
    __table_args__ = (
        CheckConstraint("up_to_cents > 0", name="up_to"),
        CheckConstraint("fee_cents >= 0", name="fee"),
    )

    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("fee_tariff.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    up_to: Mapped[Money | None] = mapped_column("up_to_cents", MoneyCents)
    fee: Mapped[Money] = mapped_column("fee_cents", MoneyCents)


class ExciseRate(db.Model):  # type: ignore[name-defined]
    """The rate of an excise duty by law, from a day on. Only ever added to."""

    __tablename__ = "excise_rate"
    __table_args__ = (
        UniqueConstraint("kind", "starts_on"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("btrim(source) <> ''", name="source"),
    )

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[ExciseKind] = mapped_column(labelled(ExciseKind, "kind"))
    starts_on: Mapped[date]
    percent: Mapped[Decimal] = mapped_column(PERCENT)
    source: Mapped[str] = mapped_column(Text)  # the act that says so
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)


class FeeCharged(db.Model):  # type: ignore[name-defined]
    """One fee that was charged: by which tariff, in which entry, for which business record. Never changed.

    A charge that is undone is undone in the ledger, by the mirror of its entry.
    """

    __tablename__ = "fee_charged"
    __table_args__ = (
        CheckConstraint("fee_cents >= 0 AND excise_cents >= 0 AND fee_cents + excise_cents > 0", name="amounts"),
        Index("ix_fee_charged_entry_id", "entry_id"),
        Index("ix_fee_charged_cause", "cause_type", "cause_id"),
        Index("ix_fee_charged_tariff_id", "tariff_id"),
    )

    id: Mapped[UUID] = uuid_key()
    key: Mapped[str] = mapped_column(Text, unique=True)
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("fee_tariff.id"))
    event: Mapped[Event] = mapped_column(labelled(Event, "event"))
    amount: Mapped[Money] = mapped_column("amount_cents", MoneyCents)  # of the event
    fee: Mapped[Money] = mapped_column("fee_cents", MoneyCents)
    excise: Mapped[Money] = mapped_column("excise_cents", MoneyCents)
    borne_by: Mapped[Bearer] = mapped_column(labelled(Bearer, "borne_by"))
    charged_on: Mapped[date]
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger.entry.id"))
    cause_type: Mapped[str] = mapped_column(Text)
    cause_id: Mapped[str] = mapped_column(Text)
    member_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("ledger.member_account.id"))
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)


class MemberFeeAccount(db.Model):  # type: ignore[name-defined]
    """What one member owes in fees. Its id is the ledger's member account; the balance lives there and only there."""

    __tablename__ = "member_fee_account"
    __table_args__ = (CheckConstraint("number ~ '^RF-[A-Z0-9-]+$'", name="number"),)

    id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger.member_account.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[str] = mapped_column(Text, unique=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"), unique=True)
    opened_on: Mapped[date]
    created_at: Mapped[datetime] = created_at()
