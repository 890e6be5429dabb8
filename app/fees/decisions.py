"""What two people decide about fees: one proposes, another looks at what members will pay and approves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import url_for

from app.approvals.registry import Command
from app.fees import queries, service
from app.fees.events import Basis, Bearer, ExciseKind
from app.fees.models import FeeTariff
from app.fees.rules import Band
from app.fees.schemas import NewExciseRate, NewTariff
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.effects import Change, Effect
from app.kernel.money import ZERO, Money
from app.ledger import queries as ledger

TARIFF, EXCISE = "fees.tariff", "fees.excise_rate"  # the commands' names
SUBJECT = ("society", "fees")  # what proposals are about: the page of fees shows all that wait


def tariff_effect(values: NewTariff) -> Effect:
    """What a proposed fee changes, beside what holds on the day before. Refuses with Invalid."""
    service.check_tariff(values, on=clock.business_date())
    known = queries.holding(values.event, on=values.starts_on)
    return Effect(
        title=f"{values.event.label} fee from {_day(values.starts_on)}",
        facts=(
            ("What for", values.event.label),
            ("Since", f"{_day(values.starts_on)}, if it is approved by then"),
            ("Income account", _account(values.income_account)),
            *((("Expense account", _account(values.expense_account)),) if values.expense_account else ()),
            ("Decision", values.decision),
        ),
        changes=tuple(
            Change(what=what, before=say_known(known) if known else None, after=say(values))
            for what, say, say_known in _SAID
        ),
        warnings=_warnings(values),
    )


def add_tariff(values: NewTariff, /, *, key: str, on: date, by: Actor) -> str:
    """Note an approved fee. Refuses with Invalid, for example when its day has gone by meanwhile."""
    return str(service.add_tariff(values, on=on, by=by))


def excise_effect(values: NewExciseRate) -> Effect:
    """What another rate changes. Refuses with Invalid."""
    service.check_excise_rate(values, on=clock.business_date())
    before = queries.excise_percent(values.kind, on=values.starts_on)
    return Effect(
        title=f"Excise duty from {_day(values.starts_on)}: {values.kind.label.lower()}",
        facts=(("Duty", values.kind.label), ("Since", _day(values.starts_on)), ("Law", values.source)),
        changes=(Change(what="Rate", before=f"{before.normalize():f} %", after=f"{values.percent.normalize():f} %"),),
    )


def add_excise_rate(values: NewExciseRate, /, *, key: str, on: date, by: Actor) -> str:
    """Note an approved rate. Refuses with Invalid."""
    return str(service.add_excise_rate(values, on=on, by=by))


def _costs(basis: Basis, flat: Money, percent: str, least: Money | None, most: Money | None, bands: list[Band]) -> str:
    match basis:
        case Basis.FLAT:
            return str(flat)
        case Basis.PERCENT:
            limits = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
            return ", ".join([f"{percent} % of the amount", *limits])
        case Basis.BANDS:
            return "; ".join(f"{f'up to {band.up_to}' if band.up_to else 'more'}: {band.fee}" for band in bands)


def _costs_of_new(values: NewTariff) -> str:
    bands = values.read_bands() if values.basis is Basis.BANDS else []
    percent = f"{values.percent.normalize():f}" if values.percent is not None else ""
    return _costs(values.basis, values.flat or ZERO, percent, values.minimum, values.maximum, bands)


def _costs_of_known(tariff: FeeTariff) -> str:
    bands = [Band(band.up_to, band.fee) for band in tariff.bands]
    percent = f"{tariff.percent.normalize():f}"
    return _costs(tariff.basis, tariff.flat, percent, tariff.minimum, tariff.maximum, bands)


def _excise(kind: ExciseKind, *, included: bool) -> str:
    return kind.label if kind is ExciseKind.NONE else f"{kind.label}, {'contained' if included else 'added'}"


_SAID: tuple[tuple[str, Callable[[NewTariff], str], Callable[[FeeTariff], str]], ...] = (
    ("Costs", _costs_of_new, _costs_of_known),
    ("Borne by", lambda new: new.borne_by.label, lambda known: known.borne_by.label),
    (
        "Excise duty",
        lambda new: _excise(new.excise_kind, included=new.excise_included),
        lambda known: _excise(known.excise_kind, included=known.excise_included),
    ),
)


def _warnings(values: NewTariff) -> tuple[str, ...]:
    warnings = []
    if values.excise_kind is ExciseKind.NONE and values.borne_by is not Bearer.SOCIETY:
        warnings.append("No excise duty will be charged on this fee.")
    return tuple(warnings)


def _account(code: str) -> str:
    return f"{code} {ledger.ledger_account(code).name}"


def _day(on: date) -> str:
    return f"{on.day} {on:%b %Y}"


COMMANDS: tuple[Command[NewTariff] | Command[NewExciseRate], ...] = (
    Command(
        name=TARIFF,
        label="Fee",
        inputs=NewTariff,
        ask_permission="fees.manage",
        decide_permission="fees.approve",
        describe=tariff_effect,
        run=add_tariff,
        subject=lambda _: SUBJECT,
        page=lambda _, tariff_id: url_for("fees.tariff", tariff_id=tariff_id) if tariff_id else None,
    ),
    Command(
        name=EXCISE,
        label="Rate of excise duty",
        inputs=NewExciseRate,
        ask_permission="fees.manage",
        decide_permission="fees.approve",
        describe=excise_effect,
        run=add_excise_rate,
        subject=lambda _: SUBJECT,
        page=lambda _values, _rate: url_for("fees.index"),
    ),
)
"""What `create_app` registers with approvals."""
