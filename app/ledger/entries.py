"""Reading entries as accountants look for them: by day, account and cause; and one entry with its lines in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select, text

from app.kernel.database import db
from app.kernel.money import ZERO, Money
from app.kernel.paging import Page, keyset
from app.kernel.reach import SOCIETY_WIDE, Reach, Whereabouts, Within
from app.ledger import models as t
from app.ledger import queries
from app.ledger.errors import BooksNotOpen
from app.ledger.values import LedgerAccount

CAUSES = {
    "approval": "Journal",
    "payment": "Payment",
    "member": "Member",
    "demo": "Demonstration",
    "fee": "Fee",
}
"""What kinds of cause are called; others by their own name."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """What the list of entries is narrowed to; days are those on which things were booked."""

    first_on: date | None = None
    last_on: date | None = None
    account: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One row of the list."""

    id: int
    booked_on: date
    value_on: date
    description: str
    cause_type: str
    actor: tuple[str, str]
    amount: Money
    is_reversed: bool
    reverses_id: int | None


@dataclass(frozen=True, slots=True)
class NamedLine:
    """One line of an entry, in words."""

    account: str
    account_name: str
    branch: str
    debit: Money
    credit: Money
    member_account: int | None
    is_inter_branch: bool


def listed(chosen: EntryFilter, *, within: Within, after: str | None = None) -> Page[ListedEntry]:
    """One page of the entries, the newest first."""
    query = select(
        t.entry.c.id,
        t.entry.c.booked_on,
        t.entry.c.value_on,
        t.entry.c.description,
        t.entry.c.cause_type,
        t.entry.c.actor_kind,
        t.entry.c.actor_id,
        t.entry.c.reverses_id,
    ).where(*_conditions(chosen, within))
    page = keyset(query, by=[t.entry.c.id], after=after)
    ids = [row.id for row in page.items]
    amounts, reversed_ids = _amounts(ids), _reversed(ids)
    rows = [
        ListedEntry(
            row.id,
            row.booked_on,
            row.value_on,
            row.description,
            row.cause_type,
            (row.actor_kind, row.actor_id),
            amounts.get(row.id, ZERO),
            row.id in reversed_ids,
            row.reverses_id,
        )
        for row in page.items
    ]
    return Page(rows, page.next)


def lines(entry_id: int, *, with_inter_branch: bool = False) -> list[NamedLine]:
    """The lines of an entry with their accounts' names, debits first as they were written."""
    query = (
        select(
            t.ledger_account.c.code,
            t.ledger_account.c.name,
            t.ledger_account.c.is_inter_branch,
            t.branch.c.name.label("branch"),
            t.member_account.c.number,
            t.posting.c.member_account_id,
            t.posting.c.amount_cents,
        )
        .select_from(t.posting)
        .join(t.ledger_account, t.ledger_account.c.id == t.posting.c.ledger_account_id)
        .join(t.branch, t.branch.c.id == t.posting.c.branch_id)
        .outerjoin(t.member_account, t.member_account.c.id == t.posting.c.member_account_id)
        .where(t.posting.c.entry_id == entry_id)
        .order_by(t.posting.c.line)
    )
    if not with_inter_branch:
        query = query.where(~t.ledger_account.c.is_inter_branch)
    return [
        NamedLine(
            row.code,
            f"{row.code} {row.name}" + (f", {row.number}" if row.number else ""),
            row.branch,
            Money(max(row.amount_cents, 0)),
            Money(max(-row.amount_cents, 0)),
            row.member_account_id,
            row.is_inter_branch,
        )
        for row in db.session.execute(query)
    ]


def whereabouts(entry_id: int) -> Whereabouts | None:
    """The branch of an entry that is one branch's alone; the whole society's otherwise; none if there is none."""
    found = select(t.posting.c.branch_id).where(t.posting.c.entry_id == entry_id).distinct().limit(2)
    branches = db.session.scalars(found).all()
    if not branches:
        return None
    return Whereabouts(branches[0]) if len(branches) == 1 else SOCIETY_WIDE


def counts_on(on: date) -> date:
    """When an entry of this date will count: on its day, or on the first open day if that month is closed."""
    month = select(t.period.c.state).where(t.period.c.month == on.replace(day=1))
    if db.session.scalar(month) == "open":
        return on
    first: date | None = db.session.scalar(select(func.min(t.period.c.month)).where(t.period.c.state == "open"))
    if first is None:
        raise BooksNotOpen("No month is open. An administrator opens the books with `flask ledger open`.")
    return first


def journal_accounts() -> list[LedgerAccount]:
    """The lines of the chart that people post to; the ledger itself adds what balances branches with each other."""
    own = db.session.scalar(select(t.ledger_account.c.code).where(t.ledger_account.c.is_inter_branch))
    return [account for account in queries.ledger_accounts() if account.code != own]


def cause_types() -> list[str]:
    """What kinds of cause there are: walked along the index, however many entries there are."""
    walk = text(
        "WITH RECURSIVE walk AS ("
        " (SELECT cause_type FROM ledger.entry ORDER BY cause_type LIMIT 1)"
        " UNION ALL"
        " SELECT (SELECT e.cause_type FROM ledger.entry e WHERE e.cause_type > walk.cause_type"
        " ORDER BY e.cause_type LIMIT 1) FROM walk WHERE walk.cause_type IS NOT NULL"
        ") SELECT cause_type FROM walk WHERE cause_type IS NOT NULL"
    )
    return list(db.session.scalars(walk))


def _conditions(chosen: EntryFilter, within: Within) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.first_on:
        conditions.append(t.entry.c.booked_on >= chosen.first_on)
    if chosen.last_on:
        conditions.append(t.entry.c.booked_on <= chosen.last_on)
    if chosen.cause:
        conditions.append(t.entry.c.cause_type == chosen.cause)
    if chosen.account:
        conditions.append(_on_account(chosen))
    if not within.is_everywhere:
        conditions.append(_of_branch(within))
    return conditions


def _on_account(chosen: EntryFilter) -> ColumnElement[bool]:
    account = select(t.ledger_account.c.id).where(t.ledger_account.c.code == chosen.account).scalar_subquery()
    postings = select(t.posting.c.entry_id).where(t.posting.c.ledger_account_id == account)
    if chosen.first_on:
        postings = postings.where(t.posting.c.booked_on >= chosen.first_on)
    if chosen.last_on:
        postings = postings.where(t.posting.c.booked_on <= chosen.last_on)
    return t.entry.c.id.in_(postings)


def _of_branch(within: Within) -> ColumnElement[bool]:
    """The same rule as `whereabouts`: entries that are this branch's alone."""
    its = within.branch_id if within.reach is Reach.BRANCH else None
    elsewhere = select(t.posting.c.line).where(
        t.posting.c.entry_id == t.entry.c.id, t.posting.c.branch_id.is_distinct_from(its)
    )
    return ~elsewhere.exists()


def _amounts(ids: Sequence[int]) -> dict[int, Money]:
    rows = db.session.execute(
        select(t.posting.c.entry_id, func.sum(t.posting.c.amount_cents))
        .join(t.ledger_account, t.ledger_account.c.id == t.posting.c.ledger_account_id)
        .where(t.posting.c.entry_id.in_(ids), t.posting.c.amount_cents > 0, ~t.ledger_account.c.is_inter_branch)
        .group_by(t.posting.c.entry_id)
    )
    return {entry_id: Money(int(cents)) for entry_id, cents in rows}


def _reversed(ids: Sequence[int]) -> set[int]:
    return set(db.session.scalars(select(t.entry.c.reverses_id).where(t.entry.c.reverses_id.in_(ids))))
