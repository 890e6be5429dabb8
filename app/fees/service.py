"""Charging fees, and what the board and the law decide about them.

A room that charges does one of two things. On its own: ``charge(...)``, one entry. With an entry of the room's own, a
withdrawal with its fee: ``quote``, the lines of ``lines(quote, ...)`` among the room's, and ``note(quote, ...)`` with
the entry that came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app import audit
from app.fees import queries
from app.fees.events import Basis, Bearer, Event, ExciseKind
from app.fees.models import ExciseRate, FeeCharged, FeeTariff, FeeTariffBand
from app.fees.queries import Quote
from app.fees.schemas import NewExciseRate, NewTariff
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.errors import Invalid
from app.kernel.money import ZERO, Money
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.values import Cause, EntryId, Line

EXCISE_PAYABLE = "2420"  # sacco-kenya.md 3.2, journals 1, 9 and 51


@dataclass(frozen=True, slots=True)
class Source:
    """What a fee is taken from: a member account on its control account, or a plain account such as a till."""

    account: str  # the chart's code
    branch_id: int
    member_account: int | None = None


def member_source(account_id: int) -> Source:
    """The money of a member account. Refuses with the ledger's AccountMissing."""
    found = ledger_queries.member_account(account_id)
    return Source(found.ledger_account, found.branch_id, account_id)


def charge(
    event: Event, *, amount: Money = ZERO, source: Source, on: date, cause: Cause, key: str, by: Actor
) -> EntryId | None:
    """Charge for an event by what holds on the day, once for each key; None where nothing is charged.

    Refuses with FeeExceedsAmount and with what the ledger refuses, such as BelowFloor.
    """
    if known := queries.charged(key):
        return EntryId(known.entry_id)
    quote = queries.quote(event, amount, on=on)
    if not quote.total:
        return None
    entry = ledger.post(
        lines(quote, source), on=on, cause=cause, key=f"fee:{key}", by=by, description=f"{event.label} fee"
    )
    note(quote, entry, on=on, cause=cause, key=key, by=by, member_account=source.member_account)
    return entry


def lines(quote: Quote, source: Source) -> list[Line]:
    """The lines of a fee, for an entry of its own or among those of another room; none where nothing is charged.

    They balance. What the society bears is its expense and moves nothing of the member's.
    """
    if not quote.total:
        return []
    branch = source.branch_id
    if quote.borne_by is Bearer.SOCIETY:
        assert quote.expense_account is not None, "the database keeps an expense account for these"
        taken = ledger.debit(quote.expense_account, quote.total, branch=branch)
    else:
        taken = ledger.debit(source.account, quote.total, branch=branch, member_account=source.member_account)
    given = [ledger.credit(quote.income_account, quote.fee, branch=branch)] if quote.fee else []
    duty = [ledger.credit(EXCISE_PAYABLE, quote.excise, branch=branch)] if quote.excise else []
    return [taken, *given, *duty]


def note(
    quote: Quote, entry: EntryId, *, on: date, cause: Cause, key: str, by: Actor, member_account: int | None = None
) -> None:
    """Remember that an entry charges this fee; nothing where nothing is charged, and nothing twice."""
    if not quote.total:
        return
    db.session.execute(
        insert(FeeCharged)
        .values(
            key=key,
            tariff_id=quote.tariff_id,
            event=quote.event,
            amount=quote.amount,
            fee=quote.fee,
            excise=quote.excise,
            borne_by=quote.borne_by,
            charged_on=on,
            entry_id=entry,
            cause_type=cause.type,
            cause_id=cause.id,
            member_account_id=member_account,
            created_by=by.principal,
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )


def add_tariff(values: NewTariff, *, on: date, by: Actor) -> UUID:
    """Charge for an event from a day on that is today or later; what held in the past stays as it was.

    Refuses with Invalid.
    """
    _one_at_a_time()
    check_tariff(values, on=on)
    tariff = FeeTariff(
        event=values.event,
        starts_on=values.starts_on,
        basis=values.basis,
        flat=(values.flat or ZERO) if values.basis is Basis.FLAT else ZERO,
        percent=values.percent or 0 if values.basis is Basis.PERCENT else 0,
        minimum=values.minimum if values.basis is Basis.PERCENT else None,
        maximum=values.maximum if values.basis is Basis.PERCENT else None,
        borne_by=values.borne_by,
        income_account=values.income_account,
        expense_account=values.expense_account if values.borne_by is Bearer.SOCIETY else None,
        excise_kind=values.excise_kind,
        excise_included=values.excise_included,
        decision=values.decision,
        created_by=by.principal,
    )
    bands = values.read_bands() if values.basis is Basis.BANDS else []
    tariff.bands = [
        FeeTariffBand(number=number, up_to=band.up_to, fee=band.fee) for number, band in enumerate(bands, 1)
    ]
    db.session.add(tariff)
    db.session.flush()  # the trail names the tariff's id
    _record("fees.tariff_added", ("fee_tariff", tariff.id), by, after=values.model_dump())
    return tariff.id


def check_tariff(values: NewTariff, *, on: date) -> None:
    """Refuse with Invalid a tariff that cannot be: when it is proposed, and again when it is decided."""
    errors = _wrong_accounts(values)
    if values.starts_on < on:
        errors["starts_on"] = "A fee starts today or later. What held in the past cannot be changed."
    elif any(tariff.starts_on == values.starts_on for tariff in queries.history(values.event)):
        errors["starts_on"] = "A fee for this that starts on this day is already there."
    if values.basis is not Basis.FLAT and not values.event.has_amount:
        errors["basis"] = f"{values.event.label} moves no money, so its fee is the same each time."
    if values.borne_by is Bearer.INCLUDED and not values.event.has_amount:
        errors["borne_by"] = f"{values.event.label} moves no money that the fee could come out of."
    errors |= values.what_is_missing()
    if errors:
        raise Invalid(errors)


def add_excise_rate(values: NewExciseRate, *, on: date, by: Actor) -> UUID:
    """Note a rate of excise duty from a day on that is today or later. Refuses with Invalid."""
    _one_at_a_time()
    check_excise_rate(values, on=on)
    rate = ExciseRate(**values.model_dump(), created_by=by.principal)
    db.session.add(rate)
    db.session.flush()  # the trail names the rate's id
    _record("fees.excise_rate_added", ("excise_rate", rate.id), by, after=values.model_dump())
    return rate.id


def check_excise_rate(values: NewExciseRate, *, on: date) -> None:
    """Refuse with Invalid a rate that cannot be: when it is proposed, and again when it is decided."""
    errors: dict[str, str] = {}
    if values.kind is ExciseKind.NONE:
        errors["kind"] = "Choose a duty."
    if values.starts_on < on:
        errors["starts_on"] = "A rate starts today or later. What was charged before cannot be changed."
    same_day = select(ExciseRate.id).where(ExciseRate.kind == values.kind, ExciseRate.starts_on == values.starts_on)
    if db.session.scalar(same_day):
        errors["starts_on"] = "A rate of this duty that starts on this day is already there."
    if errors:
        raise Invalid(errors)


def accounts_for(type_of_account: str) -> Sequence[tuple[str, str]]:
    """Plain accounts of one type in the chart, as choices: where fees are earned or borne."""
    return [
        (account.code, f"{account.code} {account.name}")
        for account in ledger_queries.ledger_accounts(control=False)
        if account.type == type_of_account
    ]


def _one_at_a_time() -> None:
    """Two proposals for one day may be approved at one moment: the second sees the first, and is told so in words."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("fees", 0))))


def _wrong_accounts(values: NewTariff) -> dict[str, str]:
    errors = {}
    if values.income_account not in dict(accounts_for("income")):
        errors["income_account"] = "Choose one of the income accounts."
    if values.borne_by is Bearer.SOCIETY and values.expense_account not in dict(accounts_for("expense")):
        errors["expense_account"] = "Choose the expense account that bears it."
    return errors


def _record(action: str, subject: tuple[str, object], by: Actor, *, after: Mapping[str, Any]) -> None:
    audit.record(action, subject=subject, by=by, after=after)
