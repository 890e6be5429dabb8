"""Manual journals: what an accountant writes by hand, checked like everything else and posted once it is approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.kernel.actor import Actor
from app.kernel.effects import Effect, Movement
from app.kernel.errors import Invalid
from app.kernel.fields import DateField, PlainLine, PositiveMoney
from app.kernel.files import PAPERS, Keeping, Purpose
from app.kernel.forms import Form
from app.kernel.money import ZERO, Money, total
from app.kernel.reach import SOCIETY_WIDE, Whereabouts
from app.ledger import entries, queries, service
from app.ledger.errors import AccountMissing
from app.ledger.values import Cause, LedgerAccount, Line

MOST_LINES = 40
CAUSE = "approval"

VOUCHER = Purpose(
    "ledger_voucher",
    kinds=PAPERS,
    keeping=(
        Keeping(
            since=date(2026, 1, 1),
            days=7 * 366,
            source="Proceeds of Crime and Anti-Money Laundering Act, as amended in 2023: 7 years from the transaction",
        ),
    ),
)


def _upper(text: str) -> str:
    return text.upper()


class JournalLine(Form):
    """One line as it is typed: an amount on one side of an account."""

    account: Annotated[PlainLine, Field(max_length=9)]
    branch_id: int
    member_account: Annotated[PlainLine, Field(max_length=32), AfterValidator(_upper)] | None = None
    debit: PositiveMoney | None = None
    credit: PositiveMoney | None = None


class Journal(Form):
    """An entry that somebody writes by hand."""

    on: DateField
    description: Annotated[PlainLine, Field(min_length=3, max_length=120)]
    lines: Annotated[tuple[JournalLine, ...], Field(min_length=2, max_length=MOST_LINES)]
    attachment: UUID | None = None  # the voucher: a stored file


class JournalForm(Journal):
    """The same, with the reason for whoever decides."""

    reason: Annotated[PlainLine, Field(min_length=3, max_length=200)]

    def journal(self, attachment: UUID | None) -> Journal:
        """What will be posted, with its voucher if there is one."""
        return Journal(on=self.on, description=self.description, lines=self.lines, attachment=attachment)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A line that can be posted, and how it reads."""

    line: Line
    movement: Movement


def effect(journal: Journal) -> Effect:
    """What the entry will be. Refuses with Invalid, a sentence for each field."""
    checked = _check(journal)
    counts_on = entries.counts_on(journal.on)
    facts = [("Counts on", _day(counts_on))]
    if counts_on != journal.on:
        facts.append(("Relates to", f"{_day(journal.on)}, whose month is closed"))
    if _between_branches(checked):
        facts.append(("Between branches", "The ledger adds the lines that balance each branch"))
    return Effect(
        title=f"Journal: {journal.description}",
        facts=tuple(facts),
        movements=tuple(one.movement for one in checked),
        total=amount(journal),
        attachment=journal.attachment,
    )


def post(journal: Journal, /, *, key: str, on: date, by: Actor) -> str:
    """Post it; returns the entry. Refuses with Invalid and with what the ledger refuses."""
    posted = service.post(
        [one.line for one in _check(journal)],
        on=journal.on,
        cause=Cause(CAUSE, key.partition(":")[2]),
        key=key,
        by=by,
        description=journal.description,
    )
    return str(posted)


def amount(journal: Journal) -> Money:
    """How much is moved: what the debit side adds up to."""
    return total(line.debit or ZERO for line in journal.lines)


def whereabouts(journal: Journal) -> Whereabouts:
    """The branch, where the whole entry is one branch's."""
    branches = {line.branch_id for line in journal.lines}
    return Whereabouts(branches.pop()) if len(branches) == 1 else SOCIETY_WIDE


def _check(journal: Journal) -> list[_Checked]:
    errors: dict[str, str] = {}
    if journal.on > queries.business_date():
        errors["on"] = "This day has not come yet."
    chart = {account.code: account for account in entries.journal_accounts()}
    branches = {branch.id: branch.name for branch in queries.branches()}
    checked = [_check_line(f"lines.{place}", line, chart, branches, errors) for place, line in enumerate(journal.lines)]
    debits, credits_ = amount(journal), total(line.credit or ZERO for line in journal.lines)
    if debits != credits_:
        errors["lines.0.debit"] = f"Debits are {debits.plain()} and credits {credits_.plain()}; they must be equal."
    if errors:
        raise Invalid(errors)
    return [one for one in checked if one is not None]


def _check_line(
    place: str, line: JournalLine, chart: dict[str, LedgerAccount], branches: dict[int, str], errors: dict[str, str]
) -> _Checked | None:
    account = chart.get(line.account)
    wrong = dict(_wrong(line, account, branches))
    member_account = None
    if account and account.is_control and line.member_account:
        member_account, sentence = _member_account(line, account)
        if sentence:
            wrong["member_account"] = sentence
    errors.update({f"{place}.{field}": sentence for field, sentence in wrong.items()})
    if wrong or account is None:
        return None
    signed = line.debit or -(line.credit or ZERO)
    name = f"{account.code} {account.name}" + (f", {line.member_account}" if line.member_account else "")
    return _Checked(
        Line(account.code, signed, line.branch_id, member_account),
        Movement(account=name, branch=branches[line.branch_id], debit=line.debit or ZERO, credit=line.credit or ZERO),
    )


def _wrong(line: JournalLine, account: LedgerAccount | None, branches: dict[int, str]) -> Iterator[tuple[str, str]]:
    if account is None:
        yield "account", f"The chart has no account {line.account} that a journal may use."
    elif account.is_control and not line.member_account:
        yield "member_account", f"{account.code} {account.name} is kept for each member: name the account."
    elif not account.is_control and line.member_account:
        yield "member_account", f"{account.code} {account.name} is not kept for each member: leave this empty."
    if line.branch_id not in branches:
        yield "branch_id", "Choose one of the branches."
    if (line.debit is None) == (line.credit is None):
        yield "debit", "Enter either a debit or a credit."


def _member_account(line: JournalLine, account: LedgerAccount) -> tuple[int | None, str | None]:
    """The account that is named, or what is wrong with it."""
    try:
        named = queries.member_account_by_number(line.member_account or "")
        queries.standing(named.id, account.code)
    except AccountMissing:
        return None, f"There is no account {line.member_account} on {account.code} {account.name}."
    if named.closed_on:
        return None, f"{named.number} was closed on {_day(named.closed_on)}."
    if named.branch_id != line.branch_id:
        return None, f"{named.number} is kept at another branch: choose that one."
    return named.id, None


def _between_branches(checked: list[_Checked]) -> bool:
    sums: defaultdict[int, Money] = defaultdict(lambda: ZERO)
    for one in checked:
        sums[one.line.branch_id] += one.line.amount
    return any(sums.values())


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"
