"""Tables of the room: products, the terms the board set for them, and members' savings accounts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Sequence, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.database import MoneyCents, created_at, db, labelled, uuid_key
from app.kernel.enums import LabelledEnum
from app.kernel.money import BOOK_CURRENCY, Money

account_number_sequence = Sequence("savings_account_number_seq", metadata=db.metadata)

# Six digits at least; the pattern goes on growing after SV-999999.
NEXT_ACCOUNT_NUMBER = "'SV-' || to_char(nextval('savings_account_number_seq'), 'FM999999000000')"


class AccountStatus(LabelledEnum):
    """Whether an account takes part in anything."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class SavingsProduct(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
    """A kind of savings that the society offers. Its control account never changes: postings already stand on it."""

    __tablename__ = "savings_product"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z][A-Z0-9-]{1,19}$'", name="code"),
        CheckConstraint("btrim(name) <> ''", name="name"),
        CheckConstraint(f"currency = '{BOOK_CURRENCY}'", name="currency"),
    )

    id: Mapped[UUID] = uuid_key()
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    control_account: Mapped[str] = mapped_column(ForeignKey("ledger.ledger_account.code"))
    currency: Mapped[str] = mapped_column(Text, default=BOOK_CURRENCY)
    is_withdrawable: Mapped[bool]
    allows_several: Mapped[bool]
    is_active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = created_at()

    __mapper_args__ = {"version_id_col": version}


class SavingsProductTerms(db.Model):  # type: ignore[name-defined]
    """What the board decided for a product, from a day on. Only ever added to; the latest that has begun holds."""

    __tablename__ = "savings_product_terms"
    __table_args__ = (
        UniqueConstraint("product_id", "starts_on"),
        CheckConstraint("minimum_deposit_cents >= 0", name="minimum_deposit"),
        CheckConstraint("minimum_balance_cents >= 0", name="minimum_balance"),
        CheckConstraint("btrim(decision) <> ''", name="decision"),
    )

    id: Mapped[UUID] = uuid_key()
    product_id: Mapped[UUID] = mapped_column(ForeignKey("savings_product.id"))
    starts_on: Mapped[date]
    minimum_deposit: Mapped[Money] = mapped_column("minimum_deposit_cents", MoneyCents)
    minimum_balance: Mapped[Money] = mapped_column("minimum_balance_cents", MoneyCents)
    decision: Mapped[str] = mapped_column(Text)  # the minute or circular that says so
    created_at: Mapped[datetime] = created_at()
    created_by: Mapped[str] = mapped_column(Text)


class SavingsAccount(db.Model):  # type: ignore[name-defined]
    """One account of one member. Its id is the ledger's member account; balances live there and only there."""

    __tablename__ = "savings_account"
    __table_args__ = (
        CheckConstraint("number ~ '^SV-[0-9]{6,}$'", name="number"),
        CheckConstraint("(status = 'closed') = (closed_on IS NOT NULL)", name="closed_on"),
        CheckConstraint("NOT (is_normal AND status = 'closed')", name="normal_is_open"),
        Index("uq_savings_account_normal", "member_id", unique=True, postgresql_where=text("is_normal")),
        Index("ix_savings_account_member_id", "member_id"),
        Index("ix_savings_account_product_id", "product_id"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger.member_account.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[str] = mapped_column(Text, unique=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("savings_product.id"))
    status: Mapped[AccountStatus] = mapped_column(labelled(AccountStatus, "status"), default=AccountStatus.OPEN)
    is_normal: Mapped[bool]
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    created_at: Mapped[datetime] = created_at()

    product: Mapped[SavingsProduct] = relationship(lazy="raise")
