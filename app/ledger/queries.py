"""Reading the ledger. Balances are read by column, never from a loaded object, so they are what is true now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, Subquery, and_, cast, func, select, union_all
from sqlalchemy.engine import RowMapping

from app.kernel.database import db
from app.kernel.money import Money
from app.kernel.paging import PAGE_SIZE, Page, keyset
from app.ledger import models as t
from app.ledger.errors import AccountMissing, BooksNotOpen, EntryMissing, LedgerAccountMissing
from app.ledger.values import (
    AccountKind,
    Balance,
    Branch,
    Cause,
    Day,
    EntryHead,
    EntryId,
    LedgerAccount,
    Line,
    MemberAccount,
    MemberAccountId,
    Seal,
    StatementLine,
    TrialBalanceLine,
)

HEAD_OFFICE = "HQ"


def business_date() -> date:
    """The day on which the society books now. Refuses with BooksNotOpen."""
    today: date | None = db.session.scalar(select(t.business_day.c.on_date).where(t.business_day.c.state == "open"))
    if today is None:
        raise BooksNotOpen("The books have not been opened yet. An administrator opens them with `flask ledger open`.")
    return today


def books_are_open() -> bool:
    """Whether the society has had its first business day."""
    return bool(db.session.scalar(select(select(t.business_day).exists())))


def days(*, latest: int) -> list[Day]:
    """The latest business days, newest first."""
    rows = db.session.execute(select(t.business_day).order_by(t.business_day.c.on_date.desc()).limit(latest))
    return [Day(row.on_date, row.state, row.opened_at, row.sealed_at) for row in rows]


def unsealed_days() -> list[date]:
    """Days that are over but not sealed, oldest first."""
    over = select(t.business_day.c.on_date).where(t.business_day.c.state == "closing")
    return list(db.session.scalars(over.order_by(t.business_day.c.on_date)))


def day_state(on: date) -> str | None:
    """``open``, ``closing`` or ``sealed``; None if the day never was or is not yet."""
    return db.session.scalar(select(t.business_day.c.state).where(t.business_day.c.on_date == on))


def seal_of(on: date) -> Seal:
    """What the seal of a day covers. The day is sealed."""
    row = db.session.execute(select(t.seal).where(t.seal.c.on_date == on)).one()
    return Seal(on, row.hash, row.entry_count, row.posting_count, Money(int(row.debit_cents)))


def branches(*, closed_too: bool = False) -> list[Branch]:
    """All branches that are open, the head office first; those that were closed only if asked."""
    found = select(t.branch) if closed_too else select(t.branch).where(t.branch.c.is_active)
    rows = db.session.execute(found.order_by(t.branch.c.id))
    return [Branch(row.id, row.code, row.name, row.is_active) for row in rows]


def head_office() -> int:
    """The branch that clearing accounts and whatever belongs to no other branch are kept at."""
    branch_id: int | None = db.session.scalar(select(t.branch.c.id).where(t.branch.c.code == HEAD_OFFICE))
    assert branch_id is not None, "the migration founds the head office"
    return branch_id


def ledger_account(code: str) -> LedgerAccount:
    """One line of the chart. Refuses with LedgerAccountMissing."""
    row = db.session.execute(select(t.ledger_account).where(t.ledger_account.c.code == code)).mappings().one_or_none()
    if row is None:
        raise LedgerAccountMissing(f"The chart of accounts has no account {code}.", code=code)
    return _ledger_account(row)


def ledger_accounts(*, control: bool | None = None, retired_too: bool = False) -> list[LedgerAccount]:
    """The chart in the order of its codes; only control or only plain accounts if asked."""
    query = select(t.ledger_account).order_by(t.ledger_account.c.code)
    if not retired_too:
        query = query.where(t.ledger_account.c.is_active)
    if control is not None:
        query = query.where(t.ledger_account.c.is_control == control)
    return [_ledger_account(row) for row in db.session.execute(query).mappings()]


def member_account(account: int) -> MemberAccount:
    """The ledger's record of one account. Refuses with AccountMissing."""
    return _member_account(t.member_account.c.id == account)


def member_account_by_number(number: str) -> MemberAccount:
    """The same, by its number. Refuses with AccountMissing."""
    return _member_account(t.member_account.c.number == number)


def branch_of(account: int) -> int:
    """The branch an account is kept at. Refuses with AccountMissing."""
    found = select(t.member_account.c.branch_id).where(t.member_account.c.id == account)
    branch_id: int | None = db.session.scalar(found)
    if branch_id is None:
        raise AccountMissing("There is no such account.", member_account_id=account)
    return branch_id


def balance(account: int, code: str | None = None) -> Money:
    """What an account has, on its natural side: of the money itself, or of the ledger account that is named.

    Refuses with AccountMissing.
    """
    return standing(account, code).amount


def available(account: int, code: str | None = None) -> Money:
    """What an account has that is neither held nor below its floor. Refuses with AccountMissing."""
    return standing(account, code).available


def standing(account: int, code: str | None = None) -> Balance:
    """Balance, holds and floor of an account in one read. Refuses with AccountMissing."""
    row = db.session.execute(_balances(code).where(t.balance.c.member_account_id == account)).mappings().one_or_none()
    if row is None:
        raise AccountMissing("There is no such account.", member_account_id=account, code=code)
    return _balance(row)


def balances(accounts: Iterable[int]) -> dict[int, Money]:
    """What each of several accounts has of the money itself; in one query."""
    return {account: kept.amount for account, kept in standings(accounts).items()}


def standings(accounts: Iterable[int]) -> dict[int, Balance]:
    """Balance, holds and floor of several accounts in one query."""
    rows = db.session.execute(_balances(None).where(t.balance.c.member_account_id.in_(list(accounts)))).mappings()
    return {row["member_account_id"]: _balance(row) for row in rows}


def balance_on(account: int, on: date, code: str | None = None) -> Money:
    """What an account had at the end of a day, by the dates on which things count. Refuses with AccountMissing."""
    kept = ledger_account(code) if code else ledger_account(member_account(account).ledger_account)
    total = db.session.scalar(
        select(func.coalesce(func.sum(t.posting.c.amount_cents), 0)).where(
            t.posting.c.member_account_id == account,
            t.posting.c.ledger_account_id == kept.id,
            t.posting.c.value_on <= on,
        )
    )
    return Money(int(total or 0) * kept.natural_side)


def ledger_balance(code: str, *, branch_id: int | None = None) -> Money:
    """What a line of the chart has now, on its natural side: daily totals and the tail of days not yet sealed.

    Refuses with LedgerAccountMissing.
    """
    account = ledger_account(code)
    movements = _movements(account_id=account.id)
    query = select(func.coalesce(func.sum(movements.c.amount), 0))
    if branch_id is not None:
        query = query.where(movements.c.branch_id == branch_id)
    return Money(int(db.session.scalar(query) or 0) * account.natural_side)


def trial_balance(*, on: date | None = None, branch_id: int | None = None) -> list[TrialBalanceLine]:
    """Every ledger account that has a balance, as of now or of the end of a day, by code. Its two columns are equal."""
    movements = _movements()
    query = (
        select(
            t.ledger_account.c.code,
            t.ledger_account.c.name,
            t.ledger_account.c.type,
            func.sum(movements.c.amount).label("amount"),
        )
        .join_from(movements, t.ledger_account, t.ledger_account.c.id == movements.c.ledger_account_id)
        .group_by(t.ledger_account.c.id)
        .having(func.sum(movements.c.amount) != 0)
        .order_by(t.ledger_account.c.code)
    )
    if on is not None:
        query = query.where(movements.c.value_on <= on)
    if branch_id is not None:
        query = query.where(movements.c.branch_id == branch_id)
    return [
        TrialBalanceLine(
            row.code, row.name, row.type, debit=Money(max(int(row.amount), 0)), credit=Money(max(-int(row.amount), 0))
        )
        for row in db.session.execute(query)
    ]


def entry(entry_id: int) -> EntryHead:
    """What an entry says about itself. Refuses with EntryMissing."""
    row = db.session.execute(select(t.entry).where(t.entry.c.id == entry_id)).one_or_none()
    if row is None:
        raise EntryMissing("There is no such entry.", entry_id=entry_id)
    return EntryHead(
        id=EntryId(row.id),
        value_on=row.value_on,
        booked_on=row.booked_on,
        posted_at=row.posted_at,
        relates_to_on=row.relates_to_on,
        cause=Cause(row.cause_type, row.cause_id),
        description=row.description,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        key=row.idempotency_key,
        reverses=EntryId(row.reverses_id) if row.reverses_id is not None else None,
        on_behalf_of=row.on_behalf_of,
    )


def lines(entry_id: int, *, with_inter_branch: bool = False) -> list[Line]:
    """The lines of an entry as they were asked for; the inter-branch lines that the ledger added only if wanted."""
    query = (
        select(t.ledger_account.c.code, t.posting.c.amount_cents, t.posting.c.branch_id, t.posting.c.member_account_id)
        .join(t.ledger_account, t.ledger_account.c.id == t.posting.c.ledger_account_id)
        .where(t.posting.c.entry_id == entry_id)
        .order_by(t.posting.c.line)
    )
    if not with_inter_branch:
        query = query.where(~t.ledger_account.c.is_inter_branch)
    return [
        Line(row.code, Money(row.amount_cents), row.branch_id, row.member_account_id)
        for row in db.session.execute(query)
    ]


def reversal_of(entry_id: int) -> EntryId | None:
    """The entry that reversed this one, if any."""
    found = db.session.scalar(select(t.entry.c.id).where(t.entry.c.reverses_id == entry_id))
    return EntryId(found) if found is not None else None


def entries_of(cause: Cause) -> list[EntryId]:
    """Every entry made for one business record, oldest first."""
    found = select(t.entry.c.id).where(t.entry.c.cause_type == cause.type, t.entry.c.cause_id == cause.id)
    return [EntryId(entry_id) for entry_id in db.session.scalars(found.order_by(t.entry.c.id))]


def statement(
    account: int,
    *,
    code: str | None = None,
    first_on: date | None = None,
    last_on: date | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[StatementLine]:
    """The movements of an account in the order they were booked, newest first, each with the balance after it.

    ``first_on`` and ``last_on`` leave out what was booked before or after; the balances stay what they are.

    Refuses with AccountMissing.
    """
    kept = ledger_account(code) if code else ledger_account(member_account(account).ledger_account)
    movement = _movements_of(account, kept)
    query = select(
        movement, t.entry.c.posted_at, t.entry.c.description, t.entry.c.cause_type, t.entry.c.cause_id
    ).join_from(movement, t.entry, t.entry.c.id == movement.c.entry_id)
    if first_on:
        query = query.where(movement.c.booked_on >= first_on)
    if last_on:
        query = query.where(movement.c.booked_on <= last_on)
    page = keyset(query, by=(movement.c.entry_id, movement.c.line), after=after, size=size)
    return Page([_statement_line(row) for row in page.items], page.next)


def _movements_of(account: int, kept: LedgerAccount) -> Subquery:
    """An account's postings with the running balance, on its natural side. One index holds them together."""
    order = (t.posting.c.entry_id, t.posting.c.line)
    return (
        select(
            *order,
            t.posting.c.booked_on,
            t.posting.c.value_on,
            (t.posting.c.amount_cents * kept.natural_side).label("amount"),
            (func.sum(t.posting.c.amount_cents).over(order_by=order) * kept.natural_side).label("running"),
        )
        .where(t.posting.c.member_account_id == account, t.posting.c.ledger_account_id == kept.id)
        .subquery("movement")
    )


def _statement_line(row: Any) -> StatementLine:
    return StatementLine(
        EntryId(row.entry_id),
        row.line,
        row.booked_on,
        row.value_on,
        row.posted_at,
        row.description,
        Cause(row.cause_type, row.cause_id),
        amount=Money(row.amount),
        balance=Money(int(row.running)),
    )


def _movements(*, account_id: int | None = None) -> Subquery:
    """Signed sums per ledger account, branch and value date: totals of sealed days, and the postings booked since."""
    last_sealed = select(func.coalesce(func.max(t.seal.c.on_date), date.min)).scalar_subquery()
    totals = select(
        t.daily_total.c.ledger_account_id,
        t.daily_total.c.branch_id,
        t.daily_total.c.value_on,
        (t.daily_total.c.debit_cents - t.daily_total.c.credit_cents).label("amount"),
    )
    tail = select(
        t.posting.c.ledger_account_id,
        t.posting.c.branch_id,
        t.posting.c.value_on,
        cast(t.posting.c.amount_cents, Numeric).label("amount"),
    ).where(t.posting.c.booked_on > last_sealed)
    if account_id is not None:
        totals = totals.where(t.daily_total.c.ledger_account_id == account_id)
        tail = tail.where(t.posting.c.ledger_account_id == account_id)
    return union_all(totals, tail).subquery("movement")


def _balances(code: str | None) -> Select[Any]:
    """Balances of member accounts at the branch they are kept at; of the money itself unless a code is given."""
    account = t.member_account.c
    query = select(t.balance).join(
        t.member_account, and_(account.id == t.balance.c.member_account_id, account.branch_id == t.balance.c.branch_id)
    )
    if code is None:
        return query.where(t.balance.c.ledger_account_id == account.ledger_account_id)
    return query.join(t.ledger_account, t.ledger_account.c.id == t.balance.c.ledger_account_id).where(
        t.ledger_account.c.code == code
    )


def _balance(row: RowMapping) -> Balance:
    return Balance(
        amount=Money(row["amount_cents"] * row["natural_side"]),
        held=Money(row["held_cents"]),
        floor=None if row["floor_cents"] is None else Money(row["floor_cents"]),
    )


def _ledger_account(row: RowMapping) -> LedgerAccount:
    return LedgerAccount(
        row["id"], row["code"], row["name"], row["type"], row["natural_side"], row["is_control"], row["is_active"]
    )


def _member_account(condition: ColumnElement[bool]) -> MemberAccount:
    row = db.session.execute(
        select(t.member_account, t.ledger_account.c.code)
        .join(t.ledger_account, t.ledger_account.c.id == t.member_account.c.ledger_account_id)
        .where(condition)
    ).one_or_none()
    if row is None:
        raise AccountMissing("There is no such account.")
    return MemberAccount(
        MemberAccountId(row.id),
        row.number,
        AccountKind(row.kind),
        row.branch_id,
        row.code,
        row.opened_on,
        row.closed_on,
    )
