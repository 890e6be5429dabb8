"""Reading fees: what an event costs on a day, tariffs and their history, excise rates, and what members owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.fees import rules
from app.fees.errors import FeeAccountMissing, FeeExceedsAmount, TariffMissing
from app.fees.events import Bearer, Event, ExciseKind
from app.fees.models import ExciseRate, FeeCharged, FeeTariff, MemberFeeAccount
from app.kernel.database import db
from app.kernel.money import ZERO, Money
from app.kernel.reach import COMMON, Whereabouts
from app.ledger import queries as ledger


@dataclass(frozen=True, slots=True)
class Quote:
    """What an event costs on a day, by which tariff, and to whom."""

    event: Event
    amount: Money
    fee: Money = ZERO
    excise: Money = ZERO
    borne_by: Bearer = Bearer.MEMBER
    tariff_id: UUID | None = None
    income_account: str = ""
    expense_account: str | None = None

    @property
    def total(self) -> Money:
        return self.fee + self.excise

    @property
    def from_member(self) -> Money:
        """What the member pays, on top of the amount or out of it."""
        return ZERO if self.borne_by is Bearer.SOCIETY else self.total

    @property
    def left(self) -> Money:
        """What of the amount reaches where it goes."""
        return self.amount - self.total if self.borne_by is Bearer.INCLUDED else self.amount


@dataclass(frozen=True, slots=True)
class Owed:
    """What a member owes in fees, and where it is paid to."""

    account: MemberFeeAccount
    amount: Money


def quote(event: Event, amount: Money = ZERO, *, on: date) -> Quote:
    """What an event over ``amount`` costs on a day; nothing if no tariff has begun.

    Refuses with FeeExceedsAmount where the fee comes out of an amount that does not cover it.
    """
    tariff = holding(event, on=on)
    return quote_by(tariff, amount, on=on) if tariff else Quote(event, amount)


def quote_by(tariff: FeeTariff, amount: Money, *, on: date) -> Quote:
    """The same by a given tariff, for example one that is still to come. Refuses with FeeExceedsAmount."""
    found = rules.parts(terms_of(tariff, on=on), amount)
    if tariff.borne_by is Bearer.INCLUDED and found.total > amount:
        raise FeeExceedsAmount(amount, found.total)
    return Quote(
        event=tariff.event,
        amount=amount,
        fee=found.fee,
        excise=found.excise,
        borne_by=tariff.borne_by,
        tariff_id=tariff.id,
        income_account=tariff.income_account,
        expense_account=tariff.expense_account,
    )


def terms_of(tariff: FeeTariff, *, on: date) -> rules.Terms:
    """A tariff with the excise rate of a day, as a calculation needs it."""
    return rules.Terms(
        basis=tariff.basis,
        borne_by=tariff.borne_by,
        flat=tariff.flat,
        percent=tariff.percent,
        minimum=tariff.minimum,
        maximum=tariff.maximum,
        bands=tuple(rules.Band(band.up_to, band.fee) for band in tariff.bands),
        excise_percent=excise_percent(tariff.excise_kind, on=on),
        excise_included=tariff.excise_included,
    )


def get(tariff_id: UUID) -> FeeTariff:
    """One tariff. Refuses with TariffMissing."""
    found = db.session.get(FeeTariff, tariff_id)
    if found is None:
        raise TariffMissing
    return found


def whereabouts(tariff_id: UUID) -> Whereabouts | None:
    """Tariffs are no secret between branches; None if there is no such tariff."""
    return COMMON if db.session.get(FeeTariff, tariff_id) else None


def holding(event: Event, *, on: date) -> FeeTariff | None:
    """The tariff of an event that holds on a day: of those that have begun, the latest."""
    return db.session.scalar(_begun(on).where(FeeTariff.event == event))


def all_holding(*, on: date) -> dict[Event, FeeTariff]:
    """What holds on a day, by event."""
    return {tariff.event: tariff for tariff in db.session.scalars(_begun(on))}


def to_come(*, on: date) -> Sequence[FeeTariff]:
    """What was decided and has not begun, the next first."""
    later = select(FeeTariff).where(FeeTariff.starts_on > on)
    return db.session.scalars(later.order_by(FeeTariff.starts_on, FeeTariff.event)).all()


def history(event: Event) -> Sequence[FeeTariff]:
    """Everything that was ever decided for an event, the latest first."""
    decided = select(FeeTariff).where(FeeTariff.event == event)
    return db.session.scalars(decided.order_by(FeeTariff.starts_on.desc())).all()


def excise_percent(kind: ExciseKind, *, on: date) -> Decimal:
    """The rate of an excise duty on a day; none before the first that is known."""
    if kind is ExciseKind.NONE:
        return Decimal(0)
    begun = select(ExciseRate.percent).where(ExciseRate.kind == kind, ExciseRate.starts_on <= on)
    rate: Decimal | None = db.session.scalar(begun.order_by(ExciseRate.starts_on.desc()).limit(1))
    return rate or Decimal(0)


def excise_rates() -> Sequence[ExciseRate]:
    """Every excise rate that is known, the latest first."""
    return db.session.scalars(select(ExciseRate).order_by(ExciseRate.starts_on.desc(), ExciseRate.kind)).all()


def charged(key: str) -> FeeCharged | None:
    """The fee that was charged under this key."""
    return db.session.scalar(select(FeeCharged).where(FeeCharged.key == key))


def account_of(member_id: UUID) -> MemberFeeAccount | None:
    """Where a member's fees are owed."""
    return db.session.scalar(select(MemberFeeAccount).where(MemberFeeAccount.member_id == member_id))


def account(account_id: int) -> MemberFeeAccount:
    """One account for fees. Refuses with FeeAccountMissing."""
    found = db.session.get(MemberFeeAccount, account_id)
    if found is None:
        raise FeeAccountMissing
    return found


def owed(member_id: UUID) -> Owed | None:
    """What a member owes in fees; None if nothing."""
    found = account_of(member_id)
    left = ledger.balance(found.id) if found else ZERO
    return Owed(found, left) if found and left else None


def _begun(on: date) -> Select[FeeTariff]:
    return (
        select(FeeTariff)
        .where(FeeTariff.starts_on <= on)
        .ext(distinct_on(FeeTariff.event))
        .order_by(FeeTariff.event, FeeTariff.starts_on.desc())
    )
