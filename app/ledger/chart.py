"""The chart of accounts and its months, as an accountant keeps them: what is proposed, and what it will do.

`create_app` registers `add`, `retire` and `close` as commands that a second person decides, and names what of the other
rooms keeps an account in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from sqlalchemy import select

from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.effects import Effect
from app.kernel.errors import Invalid
from app.kernel.fields import DateField, PlainLine
from app.kernel.forms import Form
from app.kernel.money import Money, total
from app.ledger import models as t
from app.ledger import queries, service
from app.ledger.errors import LedgerAccountInUse, LedgerAccountRetired, PeriodNotReady
from app.ledger.values import LedgerAccount

TYPES = ("asset", "liability", "equity", "income", "expense", "memo")
NUMBERED = {"asset": "1", "liability": "2", "equity": "3", "income": "4", "expense": "5", "memo": "9"}
PROPOSALS, MONTHS = ("society", "chart"), ("society", "months")  # what proposals are about
FORM_LINE = re.compile(r"[A-Z0-9][A-Za-z0-9 .;]{0,39}")

InUse = Callable[[str], str | None]

_in_use: list[InUse] = []


def register(in_use: InUse) -> None:
    """Have a room say why an account must stay, as a sentence, or None; called by ``create_app``."""
    if in_use not in _in_use:
        _in_use.append(in_use)


def _form_line(text: str) -> str:
    if not FORM_LINE.fullmatch(text):
        raise ValueError("Write a line of the regulator's forms like “F6 2.0”.")
    return text


class NewAccount(Form):
    """A line that the chart is to have. Its code and kind stay for ever."""

    code: Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,4})?$")]
    name: Annotated[PlainLine, Field(min_length=3, max_length=80)]
    type: Literal["asset", "liability", "equity", "income", "expense", "memo"]
    is_control: bool = False
    is_contra: bool = False
    form_line: Annotated[PlainLine, AfterValidator(_form_line)] | None = None


class Retirement(Form):
    """A line of the chart that is to be used no longer."""

    code: Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,4})?$")]


class MonthEnd(Form):
    """A month in which nothing is to count any more, by its first day."""

    month: DateField


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One account with what stands on it, on the side on which it grows."""

    account: LedgerAccount
    balance: Money


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the books: whether anything may still count in it, and who closed it."""

    month: date
    is_open: bool
    closed_at: datetime | None
    closed_by: str | None
    may_close: bool


def lines(*, on: date | None = None, branch_id: int | None = None) -> list[ChartLine]:
    """The whole chart by code, with balances: two queries, however long it is."""
    standing = {
        line.code: (line.debit - line.credit).cents for line in queries.trial_balance(on=on, branch_id=branch_id)
    }
    return [
        ChartLine(account, Money(standing.get(account.code, 0) * account.natural_side))
        for account in queries.ledger_accounts(retired_too=True)
    ]


def account_effect(values: NewAccount) -> Effect:
    """What a new account is. Refuses with Invalid."""
    errors = {}
    if any(account.code == values.code for account in queries.ledger_accounts(retired_too=True)):
        errors["code"] = "The chart has an account with this code."
    elif not values.code.startswith(NUMBERED[values.type]):
        errors["code"] = f"Codes of this kind start with {NUMBERED[values.type]}."
    if errors:
        raise Invalid(errors)
    return Effect(
        title=f"New account {values.code} {values.name}",
        facts=(
            ("Code", values.code),
            ("Name", values.name),
            ("Kind", values.type.capitalize() + (", contra" if values.is_contra else "")),
            ("Postings", "Name a member account each" if values.is_control else "Name no member account"),
            ("Line of the forms", values.form_line or "None"),
        ),
    )


def add(values: NewAccount, /, *, key: str, on: date, by: Actor) -> str:
    """Add an approved account. Refuses with NumberTaken."""
    service.add_ledger_account(
        values.code,
        values.name,
        values.type,
        is_control=values.is_control,
        is_contra=values.is_contra,
        form_line=values.form_line,
        by=by,
    )
    return values.code


def retirement_effect(values: Retirement) -> Effect:
    """What retiring an account means.

    Refuses with LedgerAccountMissing, LedgerAccountRetired, and LedgerAccountInUse while it has a balance or is needed.
    """
    account = queries.ledger_account(values.code)
    if not account.is_active:
        raise LedgerAccountRetired(f"{account.code} {account.name} is retired already.", code=account.code)
    _refuse_in_use(account)
    return Effect(
        title=f"Retire account {account.code} {account.name}",
        facts=(("Account", f"{account.code} {account.name}"), ("After that", "No entry can use it. Its past stays.")),
    )


def retire(values: Retirement, /, *, key: str, on: date, by: Actor) -> str:
    """Retire an approved account: whoever is posting to it finishes first, then it is looked at once more.

    Refuses as `retirement_effect` does.
    """
    account = queries.ledger_account(values.code)
    service.retire_ledger_account(values.code, by=by)
    _refuse_in_use(account)
    return values.code


def months() -> list[Month]:
    """Every month of the books, the latest first; the first open one may be closed once each of its days is sealed."""
    rows = db.session.execute(select(t.period).order_by(t.period.c.month.desc())).all()
    unsealed = select(t.business_day.c.on_date).where(t.business_day.c.state != "sealed")
    first_unsealed = db.session.scalar(unsealed.order_by(t.business_day.c.on_date).limit(1))
    first_open = min((row.month for row in rows if row.state == "open"), default=None)
    closers = _who_closed()
    return [
        Month(
            month=row.month,
            is_open=row.state == "open",
            closed_at=row.closed_at,
            closed_by=closers.get(f"{row.month:%Y-%m}"),
            may_close=row.month == first_open and (first_unsealed is None or first_unsealed > _last_day(row.month)),
        )
        for row in rows
    ]


def month_effect(values: MonthEnd) -> Effect:
    """What closing a month means. Refuses with PeriodNotReady."""
    month = next((one for one in months() if one.month == values.month), None)
    if month is None or not month.may_close:
        raise PeriodNotReady(
            f"{values.month:%B %Y} cannot be closed: close the months before it first, and let each of its days end."
        )
    balances = queries.trial_balance(on=_last_day(values.month))
    return Effect(
        title=f"Close {values.month:%B %Y}",
        facts=(
            ("Month", f"{values.month:%B %Y}"),
            ("Trial balance at its end", str(total(line.debit for line in balances))),
            ("After that", "What comes late counts on the first open day. A closed month is not opened again."),
        ),
    )


def close(values: MonthEnd, /, *, key: str, on: date, by: Actor) -> str:
    """Close an approved month. Refuses with PeriodNotReady."""
    service.close_period(values.month, by=by)
    return values.month.isoformat()


def _refuse_in_use(account: LedgerAccount) -> None:
    name = f"{account.code} {account.name}"
    for branch in queries.branches(closed_too=True):
        if balance := queries.ledger_balance(account.code, branch_id=branch.id):
            raise LedgerAccountInUse(f"{name} has {balance} at {branch.name}. Move it first; the account stays.")
    reasons = [sentence for ask in _in_use if (sentence := ask(account.code))]
    if account.is_control and _has_open_accounts(account):
        reasons.append("Members' accounts are kept on it.")
    if reasons:
        raise LedgerAccountInUse(f"{name} stays: " + " ".join(reasons))


def _has_open_accounts(account: LedgerAccount) -> bool:
    kept = select(t.balance).where(t.balance.c.ledger_account_id == account.id, t.balance.c.is_open)
    return bool(db.session.scalar(select(kept.exists())))


def _who_closed() -> dict[str, str]:
    """Who closed each month, by the ledger's own record of acts."""
    rows = db.session.execute(select(t.act.c.subject, t.act.c.actor).where(t.act.c.act == "close_period"))
    return {row.subject: row.actor for row in rows}


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
